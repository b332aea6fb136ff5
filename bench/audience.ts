/**
 * What size costs. Peak memory of the server for one publish to 20,000 and to 200,000 devices; rows read and time per
 * page for three interests of 200,000 devices that overlap; cost per item at 10,000 and at 1,000,000 devices, reports and
 * waiting messages.
 * `--devices`, `--growth` make it smaller.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Store } from '../src/core/ports/store.ts';
import { openSqliteStore } from '../src/storage/sqlite/open-sqlite-store.ts';
import { startPharosProcess } from '../test/support/pharos-process.ts';
import { costPerItem } from './cost-per-item.ts';
import { addDevices, fillStore } from './filled-pharos.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';
import { startChild } from './start-child.ts';
import { readPages } from './page-reading.ts';
import { addMessages } from './waiting-messages.ts';
import type { ReceiverMessages } from './push-receiver.ts';
import { testSealer } from '../src/storage/testsuite/test-sealer.ts';

const { values } = parseArgs({
  options: { devices: { type: 'string', default: '200000' }, growth: { type: 'string', default: '1000000' } },
});
const many = Number(values.devices);
const few = many / 10;
const most = Number(values.growth);
const growthFrom = most / 100;
/** The first ones fill the caches, as a server's are that has run for a while: 20,000 reports from a million devices. */
const [warmUps, rounds] = [10, 19];
/** Together they deliver fewer messages than wait for the fewest devices. */
const messagesARound = 300;
const notification = { title: 'Pharos', body: 'x'.repeat(120), deep_link: 'https://site.example/news' };

const node = `Node ${process.versions.node}`;
await compareMemory();
await compareCosts();

async function compareMemory(): Promise<void> {
  const peaks = new Map<number, number>();
  for (const devices of [few, many]) peaks.set(devices, await peakMegabytes(devices));
  const [small = Number.NaN, large = Number.NaN] = peaks.values();
  printResults(`Memory, ${node}`, [
    {
      what: `peak memory, one publish to ${many} devices`,
      against: `to ${few}`,
      MB: large.toFixed(0),
      'MB against': small.toFixed(0),
      ratio: (large / small).toFixed(2),
      goal: 'must 1.25, aim 1.1',
    },
  ]);
}

/** VmHWM of a server that sends one publish to so many devices, over TLS. */
async function peakMegabytes(devices: number): Promise<number> {
  const receiver = startChild('push-receiver.ts');
  const message = async <Kind extends keyof ReceiverMessages>(kind: Kind): Promise<ReceiverMessages[Kind]> => {
    for (;;) {
      const [said] = (await once(receiver, 'message')) as [Partial<ReceiverMessages>];
      if (said[kind] !== undefined) return said[kind];
    }
  };
  const { port, certificate } = await message('listening');
  const pharos = await startPharosProcess({
    authority: { certificate },
    settings: {
      PHAROS_PUSH_ENDPOINT_HOSTS: `localhost:${port}`,
      PHAROS_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
      PHAROS_LOG_LEVEL: 'warn',
    },
  });
  const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'bench' });
  await fillStore(pharos, async (store) => {
    await addDevices(store, {
      instanceId: String(id),
      count: devices,
      addressOf: (index) => `https://localhost:${port}/push/${index}`,
      interestsOf: () => ['all'],
    });
  });
  const expecting = message('expecting');
  receiver.send({ expect: devices });
  await expecting;
  const reached = message('reached');
  const response = await fetch(`${pharos.origin}/publish_api/v1/instances/${String(id)}/publishes/interests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${String(secretKey)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ interests: ['all'], web: { notification } }),
  });
  if (!response.ok) throw new Error(`the publish was answered ${response.status}`);
  await reached;
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pharos.pid()}/status`, 'utf8')) ?? [];
  await pharos.stop();
  await pharos.remove();
  receiver.disconnect();
  return Number(kilobytes) / 1024;
}

async function compareCosts(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
  const stores: Store[] = [];
  const filled = async (name: string, count: number) => {
    const file = join(folder, name);
    const store = await openSqliteStore({ sealer: testSealer, file });
    stores.push(store);
    const instanceId = randomUUID();
    const devices = await addDevices(store, {
      instanceId,
      count,
      addressOf: (index) => `https://updates.push.services.mozilla.com/wpush/v2/${index}`,
      interestsOf: interestsAmong(count),
    });
    return { store, instanceId, devices, webhookId: await addMessages(store, instanceId, devices), file };
  };
  const small = await filled('small.db', growthFrom);
  const large = await filled('large.db', most);

  const reading = readPages(large.file, large.instanceId, ['red', 'green', 'blue']);
  const what = `three interests of ${Math.min(many, most)} devices that overlap`;
  printResults(`Pages, ${node}`, [
    {
      what: `most rows read for a page, ${what}`,
      against: 'page × interests',
      ratio: (reading.mostRows / (reading.pageSize * 3)).toFixed(2),
      goal: 'must 4',
      pages: reading.pages,
      rows: reading.mostRows,
    },
    {
      what: `time of the last tenth of the pages, ${what}`,
      against: 'the first tenth',
      ratio: reading.lastAgainstFirst.toFixed(2),
      goal: 'must 1.3, aim 1.1',
    },
  ]);

  type Costs = Awaited<ReturnType<typeof costPerItem>>;
  const costs: { readonly small: Costs[]; readonly large: Costs[] } = { small: [], large: [] };
  for (let round = 0; round < warmUps + rounds; round++) {
    const [one, other] = [await costPerItem(small, messagesARound), await costPerItem(large, messagesARound)];
    if (round < warmUps) continue;
    costs.small.push(one);
    costs.large.push(other);
  }
  const names = ['register', 'accept', 'read', 'report', 'deliver'] as const;
  printResults(
    `Costs, ${node}`,
    names.map((name) => ({
      what: `µs per ${name}, ${most} devices and waiting messages`,
      against: `${growthFrom} of each`,
      µs: median(costs.large.map((cost) => cost[name])).toFixed(1),
      'µs against': median(costs.small.map((cost) => cost[name])).toFixed(1),
      ratio: median(costs.large.map((cost, index) => cost[name] / (costs.small[index]?.[name] ?? Number.NaN))).toFixed(
        2,
      ),
      goal: 'must 1.3, aim 1.1',
    })),
  );
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
}

/** Each of three names has `many` devices, and each of these devices two of the names; the others have another one. */
function interestsAmong(count: number): (index: number) => readonly string[] {
  const colours = ['red', 'green', 'blue'];
  const coloured = Math.min(many * 1.5, count);
  return (index) => (index < coloured ? colours.filter((_, colour) => colour !== index % 3) : ['all']);
}

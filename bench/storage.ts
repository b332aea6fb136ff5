/**
 * SQLite and PostgreSQL side by side, both syncing what they confirm: publishes, reports and messages with 64 callers, in
 * rounds that alternate. Then a publish to many devices by 1, 2 and 4 nodes, each a process: what several of them are for, a push
 * service of which each node gets a window of 200 and answers after 50 ms; and what they cost, one that answers at once, where
 * these cores are the limit. `--rounds`, `--items`, `--devices`, `--audience`.
 *
 * PostgreSQL is a cluster of its own on the same machine: its processes share the cores with those that call it.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { v7 } from 'uuid';
import { runOne } from '../src/core/ports/command.ts';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import type { Store } from '../src/core/ports/store.ts';
import type { PublishBody } from '../src/core/ports/publish-body.ts';
import { openPostgresStore } from '../src/storage/postgres/open-postgres-store.ts';
import { openSqliteStore } from '../src/storage/sqlite/open-sqlite-store.ts';
import { databaseAt, withClient } from '../test/support/postgres-client.ts';
import { startPostgres } from '../test/support/postgres-cluster.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { fillDevices } from './fill-postgres.ts';
import { addDevices } from './filled-pharos.ts';
import { median } from './median.ts';
import type { Result } from './print-results.ts';
import { printResults } from './print-results.ts';
import { addMessages, deliverMessages } from './waiting-messages.ts';
import { testSealer } from '../src/storage/testsuite/test-sealer.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    items: { type: 'string', default: '4000' },
    devices: { type: 'string', default: '10000' },
    audience: { type: 'string', default: '200000' },
  },
});
const [rounds, items, audience] = [Number(values.rounds), Number(values.items), Number(values.audience)];
const callers = 64;
const messagesPerClaim = 100;
const kinds = ['publishes', 'reports', 'messages'] as const;

interface Filled {
  readonly store: Store;
  readonly instanceId: string;
  readonly devices: readonly DeviceKey[];
  readonly webhookId: string;
}

const folder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
const cluster = await startPostgres({ initdbOptions: ['--locale=C.UTF-8'] });
const createDatabase = async (name: string): Promise<string> => {
  await withClient(cluster.url, (client) => client.query(`CREATE DATABASE ${name}`));
  return databaseAt(cluster.url, name);
};

async function fill(store: Store, count: number): Promise<Filled> {
  const instanceId = randomUUID();
  const devices = await addDevices(store, {
    instanceId,
    count,
    addressOf: () => `https://updates.push.services.mozilla.com/wpush/v2/${randomUUID()}`,
    interestsOf: () => ['all'],
  });
  return { store, instanceId, devices, webhookId: await addMessages(store, instanceId, devices) };
}

/** Items per second, of callers that each wait for their item's commit before they ask for the next one. */
async function perSecond(count: number, callOne: (index: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const caller = async () => {
    while (next < count) await callOne(next++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return count / ((performance.now() - startedAt) / 1_000);
}

const content = {
  web: { timeToLiveSeconds: 3600, notification: { title: 'Pharos', body: 'x'.repeat(300) }, data: {} },
};
const body: PublishBody = { content };
const aPublish = (instanceId: string) => ({
  instanceId,
  publishId: v7(),
  target: { kind: 'interests' as const, interests: ['nobody'] },
  platforms: ['web' as const],
  body,
  urlTarget: null,
});

async function measure({ store, instanceId, devices, webhookId }: Filled, kind: (typeof kinds)[number]) {
  if (kind === 'publishes') return perSecond(items, () => runOne(store.acceptPublishes, aPublish(instanceId)));
  if (kind === 'messages') {
    const target = { instanceId, target: webhookId };
    const claims = Math.ceil(items / 4 / messagesPerClaim);
    const startedAt = performance.now();
    for (let claim = 0; claim < claims; claim++) await deliverMessages(store, target, messagesPerClaim);
    return (claims * messagesPerClaim) / ((performance.now() - startedAt) / 1_000);
  }
  const publish = aPublish(instanceId);
  await runOne(store.acceptPublishes, publish);
  const report = { publishId: publish.publishId, kind: 'delivery' as const, happenedAt: 1, notifiesUserWebhooks: true };
  const flags = { appInBackground: null, hasDisplayableContent: null, hasData: null };
  return perSecond(items, (index) =>
    runOne(store.recordReports, { ...(devices[index % devices.length] as DeviceKey), ...report, ...flags }),
  );
}

async function compare(count: number): Promise<Readonly<Record<string, readonly [number, number]>>> {
  const sqlite = await fill(await openSqliteStore({ sealer: testSealer, file: join(folder, `${count}.db`) }), count);
  const postgres = await fill(
    await openPostgresStore({ sealer: testSealer, url: await createDatabase(`bench_${count}`) }),
    count,
  );
  const medians: Record<string, readonly [number, number]> = {};
  for (const kind of kinds) {
    const measured: [number, number][] = [];
    for (let round = 0; round < rounds; round++)
      measured.push([await measure(sqlite, kind), await measure(postgres, kind)]);
    medians[kind] = [median(measured.map(([one]) => one)), median(measured.map(([, other]) => other))];
  }
  await sqlite.store.close();
  await postgres.store.close();
  return medians;
}

interface Service {
  readonly what: string;
  /** Of `storage-node.ts`. */
  readonly options: readonly string[];
}
const services: readonly Service[] = [
  { what: '50 ms, a window of 200 a node', options: ['50', '200'] },
  { what: 'answers at once', options: [] },
];

/** Devices a second, and the share of the node that sent the fewest. */
async function fanOutBy(nodes: number, url: string, instanceId: string, { options }: Service) {
  const node = join(import.meta.dirname, 'storage-node.ts');
  const children = Array.from({ length: nodes }, () => fork(node, [url, ...options]));
  await Promise.all(children.map((child) => once(child, 'message')));
  const store = await openPostgresStore({ sealer: testSealer, url });
  const publish = { ...aPublish(instanceId), target: { kind: 'everyone' as const } };
  const startedAt = performance.now();
  await runOne(store.acceptPublishes, publish);
  await waitFor(
    'the publish to finish',
    async () => {
      for (const child of children) child.send('wake');
      return (await store.summarizePublish(publish))?.finishedAt != null;
    },
    600_000,
  );
  const tookMs = performance.now() - startedAt;
  const summary = await store.summarizePublish(publish);
  if (summary?.counts.web?.accepted !== audience) throw new Error('not each device was counted once');
  await store.close();
  const sent = await Promise.all(
    children.map(async (child) => {
      child.send('stop');
      const [told] = (await once(child, 'message')) as [{ sent: number }];
      await once(child, 'exit');
      return told.sent;
    }),
  );
  return { rate: audience / (tookMs / 1_000), leastShare: Math.min(...sent) / audience };
}

const few = await compare(Number(values.devices));
const results: Result[] = kinds.map((kind) => {
  const [sqlite = 0, postgres = 0] = few[kind] ?? [];
  return {
    what: `${kind} per second, ${values.devices} devices`,
    against: 'SQLite',
    ratio: (postgres / sqlite).toFixed(2),
    goal: '',
    PostgreSQL: postgres.toFixed(0),
    SQLite: sqlite.toFixed(0),
  };
});
const url = await createDatabase('bench_fan_out');
await (await openPostgresStore({ sealer: testSealer, url })).close();
const instanceId = randomUUID();
await fillDevices(url, instanceId, audience);
for (const service of services) {
  let alone = 0;
  for (const nodes of [1, 2, 4]) {
    const { rate, leastShare } = await fanOutBy(nodes, url, instanceId, service);
    alone ||= rate;
    results.push({
      what: `devices per second of a publish to ${audience}, push service: ${service.what}; nodes: ${nodes}`,
      against: 'one node',
      ratio: (rate / alone).toFixed(2),
      goal: '',
      PostgreSQL: rate.toFixed(0),
      'least share of a node': leastShare.toFixed(2),
    });
  }
}
printResults(`The stores, Node ${process.versions.node}, ${callers} callers, medians of ${rounds} rounds`, results);
await cluster.remove();
rmSync(folder, { recursive: true, force: true });

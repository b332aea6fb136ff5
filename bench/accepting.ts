/**
 * Publishes and reports, accepted and committed, with 64 clients over HTTP, against a bare `node:http` server that echoes
 * the same bodies. Rounds alternate; medians are printed. `--rounds`, `--requests`.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatDeviceId } from '../src/protocol/ids.ts';
import { startPharosProcess } from '../test/support/pharos-process.ts';
import { cpuMsOf } from './cpu-time.ts';
import { addDevices, fillStore } from './filled-pharos.ts';
import type { LoadOrder, LoadResult } from './load-generator.ts';
import { median } from './median.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, requests: { type: 'string', default: '10000' } },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const clients = 64;

const startChild = (script: string): ChildProcess =>
  fork(join(import.meta.dirname, script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const echo = startChild('echo-server.ts');
const [echoPort] = (await once(echo, 'message')) as [number];
const generator = startChild('load-generator.ts');
generator.on('exit', (code) => code && process.exit(code));

const pharos = await startPharosProcess({
  authority: { certificate: '' },
  settings: { PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000', PHAROS_PUBLISHES_PER_SECOND: '1000000' },
});
const instance = await pharos.admin('POST', '/instances', { name: 'bench' });
const instanceId = String(instance['id']);
const authorization = `Bearer ${String(instance['secretKey'])}`;
const publishPath = `/publish_api/v1/instances/${instanceId}/publishes/interests`;
const deviceIds: string[] = [];
await fillStore(pharos, async (store) => {
  const devices = await addDevices(store, {
    instanceId,
    count: requests,
    addressOf: (index) => `https://updates.push.services.mozilla.com/wpush/v2/${index}`,
    interestsOf: () => ['all'],
  });
  deviceIds.push(...devices.map(({ platform, deviceId }) => formatDeviceId(platform, deviceId)));
});

// Nobody has this interest: what is sent would be measured too.
const publish = JSON.stringify({
  interests: ['nobody'],
  web: { notification: { title: 'Pharos', body: 'x'.repeat(120), deep_link: 'https://site.example/news' } },
});
const publishes = Array.from({ length: requests }, () => publish);
const reportsOn = (publishId: string): string[] =>
  deviceIds.map((deviceId) =>
    JSON.stringify({
      event: 'delivery',
      publishId,
      deviceId,
      timestampSecs: 1_700_000_000,
      userId: null,
      appInBackground: true,
      hasDisplayableContent: true,
      hasData: false,
    }),
  );

const measured = { publishes: [] as number[], reports: [] as number[] };
const echoed = { publishes: [] as number[], reports: [] as number[] };
for (let round = 0; round <= rounds; round++) {
  const reports = reportsOn(await publishOnce());
  const results = {
    echoedPublishes: await load(echoPort, '/', publishes),
    publishes: await load(pharos.port, publishPath, publishes),
    echoedReports: await load(echoPort, '/', reports),
    reports: await load(pharos.port, `/reporting_api/v2/instances/${instanceId}/events`, reports),
  };
  if (round === 0) continue; // It warms up.
  echoed.publishes.push(results.echoedPublishes);
  measured.publishes.push(results.publishes);
  echoed.reports.push(results.echoedReports);
  measured.reports.push(results.reports);
}
const row = (what: keyof typeof measured) => ({
  what: `${what} accepted and committed`,
  'per second': Math.round(median(measured[what])),
  'echoes per second': Math.round(median(echoed[what])),
  ratio: median(measured[what].map((perSecond, index) => perSecond / (echoed[what][index] ?? Number.NaN))).toFixed(2),
  goal: 'must 0.4, aim 0.6',
});
console.log(
  `\nAccepting, ${clients} clients over HTTP, Node ${process.versions.node}, medians of ${rounds} rounds of ${requests}`,
);
console.table([row('publishes'), row('reports')]);
await pharos.stop();
await pharos.remove();
generator.removeAllListeners('exit');
generator.disconnect();
echo.disconnect();

async function load(port: number, path: string, bodies: readonly string[]): Promise<number> {
  const order: LoadOrder = { port, path, authorization, clients, bodies };
  generator.send(order);
  const [result] = (await once(generator, 'message')) as [LoadResult];
  await quiet();
  return result.requestsPerSecond;
}

/** What a round has left to do is none of the next one's business. */
async function quiet(): Promise<void> {
  for (let before = -1, now = cpuMsOf(pharos.pid()); now - before > 20;) {
    await delay(250);
    [before, now] = [now, cpuMsOf(pharos.pid())];
  }
}

async function publishOnce(): Promise<string> {
  const response = await fetch(pharos.origin + publishPath, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: publish,
  });
  return ((await response.json()) as { publishId: string }).publishId;
}

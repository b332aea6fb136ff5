/**
 * Publishes and reports, accepted and committed, with 64 clients over HTTP, against a bare `node:http` server that echoes
 * the same bodies to the same clients. Rounds alternate; medians are printed. `--rounds`, `--requests`.
 *
 * A round ends when the last request was answered, which is after its commit. The server is the one that everybody runs,
 * with its settings as they are but for the limits on requests, and with its log, a line a request, in a file. Nobody has
 * the interest that is published to, so there is nothing to send: such a publish is finished with the commit that accepts
 * it. Whatever is left to do after a round is not in its rate, but in the processor time: that of the whole process,
 * all threads, until it is quiet again.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatDeviceId } from '../src/protocol/ids.ts';
import { startPharosProcess } from '../test/support/pharos-process.ts';
import { cpuMsOf } from './cpu-time.ts';
import { addDevices, fillStore } from './filled-pharos.ts';
import type { LoadOrder, LoadResult } from './load-generator.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';
import { startChild } from './start-child.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, requests: { type: 'string', default: '10000' } },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const clients = 64;
/** The compiler is busy with both servers for the first 30,000 requests of a kind. */
const warmUpRounds = 3;

const echo = startChild('echo-server.ts');
const [echoPort] = (await once(echo, 'message')) as [number];
const generator = startChild('load-generator.ts');

const pharos = await startPharosProcess({
  authority: { certificate: '' },
  logsToFile: true,
  settings: { PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000', PHAROS_PUBLISHES_PER_SECOND: '1000000' },
});
const instance = await pharos.admin('POST', '/instances', { name: 'bench' });
const instanceId = String(instance['id']);
const authorization = `Bearer ${String(instance['secretKey'])}`;
const publishPath = `/publish_api/v1/instances/${instanceId}/publishes/interests`;
const paths = { publishes: publishPath, reports: `/reporting_api/v2/instances/${instanceId}/events` };
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

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
}
const kinds = ['publishes', 'reports'] as const;
const measured: Record<(typeof kinds)[number], { readonly ours: Round; readonly echo: Round }[]> = {
  publishes: [],
  reports: [],
};
for (let round = 0; round < warmUpRounds + rounds; round++) {
  const bodies = { publishes, reports: reportsOn(await publishOnce()) };
  for (const kind of kinds) {
    const echoed = await load(Number(echo.pid), echoPort, '/', bodies[kind]);
    const ours = await load(pharos.pid(), pharos.port, paths[kind], bodies[kind]);
    if (round >= warmUpRounds) measured[kind].push({ ours, echo: echoed });
  }
}
printResults(
  `Accepting, ${clients} clients over HTTP, Node ${process.versions.node}, medians of ${rounds} rounds of ${requests}`,
  kinds.map((kind) => {
    const middle = (value: (pair: { readonly ours: Round; readonly echo: Round }) => number): number =>
      median(measured[kind].map(value));
    return {
      what: `${kind} accepted and committed per second`,
      against: 'echoes',
      ratio: middle(({ ours, echo: other }) => ours.perSecond / other.perSecond).toFixed(2),
      goal: 'must 0.4, aim 0.6',
      'per second': middle(({ ours }) => ours.perSecond).toFixed(0),
      'echoes per second': middle(({ echo: other }) => other.perSecond).toFixed(0),
      'µs of CPU each': middle(({ ours }) => ours.cpuUs).toFixed(0),
      'of an echo': middle(({ echo: other }) => other.cpuUs).toFixed(0),
    };
  }),
);
await pharos.stop();
await pharos.remove();
generator.disconnect();
echo.disconnect();

async function load(pid: number, port: number, path: string, bodies: readonly string[]): Promise<Round> {
  const order: LoadOrder = { port, path, authorization, clients, bodies };
  const before = cpuMsOf(pid);
  generator.send(order);
  const [result] = (await once(generator, 'message')) as [LoadResult];
  await quiet(pid);
  return { perSecond: result.requestsPerSecond, cpuUs: ((cpuMsOf(pid) - before) / bodies.length) * 1_000 };
}

/** What a round has left to do is none of the next one's business. */
async function quiet(pid: number): Promise<void> {
  for (let before = -1, now = cpuMsOf(pid); now - before > 20;) {
    await delay(250);
    [before, now] = [now, cpuMsOf(pid)];
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

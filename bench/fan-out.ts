/**
 * One publish to 20,000 devices, end to end over TLS, counted at the receiver, against a `web-push.sendNotification` loop
 * with kept-alive connections and the same concurrency. Rounds alternate; medians are printed. `--rounds`, `--devices`.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createSimulatedBrowser } from '../demo/simulated-browser.ts';
import { startPharosProcess } from '../test/support/pharos-process.ts';
import type { PharosProcess } from '../test/support/pharos-process.ts';
import { cpuMsOf } from './cpu-time.ts';
import { median } from './median.ts';
import { printResults } from './print-results.ts';
import { startChild } from './start-child.ts';
import type { ReceiverMessages } from './push-receiver.ts';
import type { SendOrder } from './web-push-sender.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, devices: { type: 'string', default: '20000' } },
});
const rounds = Number(values.rounds);
const devices = Number(values.devices);
/** Two pages of a range are in flight at a time: what the baseline gets as connections. */
const concurrency = 200;
const baselineCount = Math.ceil(devices / 8);
const notification = { title: 'Pharos', body: 'x'.repeat(120), deep_link: 'https://site.example/news' };
const payload = JSON.stringify({
  notification,
  data: { pusher: { instanceId: 'x'.repeat(36), publishId: 'x'.repeat(42) } },
});

interface Round {
  readonly wallMsPerPush: number;
  readonly cpuMsPerPush: number;
}

const receiver = startChild('push-receiver.ts');
const { port, http1Port, certificate } = await receiverMessage('listening');
const sender = startChild('web-push-sender.ts', {
  env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
});

/** Takes the server off one core or gives it back: threads that exist already are moved too. */
const pin = (child: PharosProcess, cpus: string): void => {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cpus, String(child.pid())], { stdio: 'ignore' });
};

const pharos = await startPharosProcess({
  authority: { certificate },
  settings: {
    PHAROS_PUSH_ENDPOINT_HOSTS: `localhost:${port}`,
    PHAROS_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
    PHAROS_LOG_LEVEL: 'warn',
    // All devices register from one address.
    PHAROS_CLIENT_REQUESTS_PER_SECOND: '1000000',
  },
});
const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'bench' });
await registerDevices();
console.log(`${devices} devices registered; ${rounds} rounds follow`);

const baseline: Round[] = [];
const twoCores: Round[] = [];
const oneCore: Round[] = [];
for (let round = 0; round < rounds; round++) {
  baseline.push(await runBaseline());
  pin(pharos, '0');
  oneCore.push(await runPharos());
  pin(pharos, '0,1');
  twoCores.push(await runPharos());
}
const ratio = (of: readonly Round[], over: readonly Round[], key: keyof Round): number =>
  median(of.map((round, index) => round[key] / (over[index] as Round)[key]));
const row = (
  what: string,
  against: string,
  of: readonly Round[],
  over: readonly Round[],
  key: keyof Round,
  goal: string,
) => ({
  what: `${what}, to ${devices} devices`,
  against,
  ratio: ratio(of, over, key).toFixed(2),
  goal,
});
printResults(
  `One publish to ${devices} devices, end to end over TLS, Node ${process.versions.node}, medians of ${rounds} rounds`,
  [
    row('pushes per second, both cores', 'web-push loop', baseline, twoCores, 'wallMsPerPush', 'must 3.5, aim 6'),
    row('pushes per cpu second', 'web-push loop', baseline, twoCores, 'cpuMsPerPush', ''),
    row('pushes per second, both cores', 'one core', oneCore, twoCores, 'wallMsPerPush', 'must 1.5, aim 1.7'),
  ],
);
await pharos.stop();
await pharos.remove();
receiver.disconnect();
sender.disconnect();

async function runBaseline(): Promise<Round> {
  await expectPushes(baselineCount);
  const startedAt = performance.now();
  const reached = receiverMessage('reached');
  const order: SendOrder = {
    endpointOrigin: `https://localhost:${http1Port}`,
    count: baselineCount,
    concurrency,
    payload,
  };
  sender.send(order);
  const [{ cpuMs }] = (await once(sender, 'message')) as [{ cpuMs: number }];
  await reached;
  return { wallMsPerPush: (performance.now() - startedAt) / baselineCount, cpuMsPerPush: cpuMs / baselineCount };
}

async function runPharos(): Promise<Round> {
  await expectPushes(devices);
  const cpuBefore = cpuMsOf(pharos.pid());
  const startedAt = performance.now();
  const reached = receiverMessage('reached');
  await call('POST', `/publish_api/v1/instances/${String(id)}/publishes/interests`, {
    interests: ['all'],
    web: { notification },
  });
  await reached;
  return {
    wallMsPerPush: (performance.now() - startedAt) / devices,
    cpuMsPerPush: (cpuMsOf(pharos.pid()) - cpuBefore) / devices,
  };
}

async function expectPushes(count: number): Promise<void> {
  const ready = receiverMessage('expecting');
  receiver.send({ expect: count });
  await ready;
}

/** The next message of this kind from the receiver. */
async function receiverMessage<Kind extends keyof ReceiverMessages>(kind: Kind): Promise<ReceiverMessages[Kind]> {
  for (;;) {
    const [message] = (await once(receiver, 'message')) as [Partial<ReceiverMessages>];
    if (message[kind] !== undefined) return message[kind];
  }
}

async function registerDevices(): Promise<void> {
  let next = 0;
  const registerInTurn = async (): Promise<void> => {
    while (next < devices) {
      const index = next++;
      const { subscription } = createSimulatedBrowser(`browser ${index}`, `https://localhost:${port}/push/${index}`);
      const base = `/device_api/v1/instances/${String(id)}/devices/web`;
      const device = await call('POST', base, {
        token: btoa(JSON.stringify(subscription)),
        metadata: { sdkVersion: '2.1.0' },
      });
      await call('POST', `${base}/${String(device['id'])}/interests/all`);
    }
  };
  await Promise.all(Array.from({ length: 64 }, registerInTurn));
}

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(pharos.origin + path, {
    method,
    headers: { authorization: `Bearer ${String(secretKey)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

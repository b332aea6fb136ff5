/**
 * A node that fans out, for `storage.ts`: the core with a gateway that stands for a push service. It is told the database, after
 * how many milliseconds each push is answered, and how many of them may be on their way at a time. Tells that it is ready, is
 * woken by any message, and tells in the end how many pushes it has sent.
 */
import { v4, v7 } from 'uuid';
import type { Instance } from '../src/core/instances/instance.ts';
import { openGoneBrake } from '../src/core/delivery/gone-brake.ts';
import type { GatewayDevice } from '../src/core/ports/gateway.ts';
import { FanOut } from '../src/core/publish/fan-out.ts';
import { createMetrics } from '../src/metrics/create-metrics.ts';
import { openPostgresStore } from '../src/storage/postgres/open-postgres-store.ts';
import { directoryOf } from '../test/support/directory-of.ts';
import { testSealer } from '../src/storage/testsuite/test-sealer.ts';

const [url = '', answerMs = 0, window = Number.POSITIVE_INFINITY] = [
  process.argv[2],
  ...process.argv.slice(3).map(Number),
];

const store = await openPostgresStore({ sealer: testSealer, url });
const shared = {
  store,
  sealer: testSealer,
  ids: { random: () => v4(), timeOrdered: () => v7(), unguessable: () => v7({}) },
  log: { info: () => {}, warn: console.error, error: console.error },
  metrics: createMetrics(),
  clock: Date.now,
};
let sent = 0;
let onTheirWay = 0;
const waiting: (() => void)[] = [];
async function push(): Promise<{ readonly kind: 'accepted' }> {
  sent += 1;
  if (answerMs > 0) {
    if (onTheirWay >= window) await new Promise<void>((resolve) => void waiting.push(resolve));
    onTheirWay += 1;
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    onTheirWay -= 1;
    waiting.shift()?.();
  }
  return { kind: 'accepted' };
}
const gateway = {
  deliver: ({ devices }: { readonly devices: readonly GatewayDevice[] }) => devices.map(push),
};
const instance: Instance = {
  ...{ id: '', name: 'bench', createdAt: 0, secretKey: '', previousSecretKey: null, allowedOrigins: null, feed: false },
  vapid: { publicKey: new Uint8Array(65), privateKey: new Uint8Array(0) },
};
const fanOut = new FanOut({
  ...shared,
  brake: await openGoneBrake({ ...shared, goneShare: 0.25 }),
  instances: directoryOf(instance),
  gateways: { web: gateway, fcm: gateway, apns: gateway },
  giveUpAfterMs: 600_000,
  gatewayDeadlineMs: 10_000,
  onGivenBack: () => {},
  onFinished: () => {},
});
fanOut.start();
async function stop(): Promise<void> {
  await fanOut.stop();
  await store.close();
  process.send?.({ sent });
  process.disconnect();
}
process.on('message', (message) => (message === 'wake' ? fanOut.wake() : void stop()));
process.send?.('ready');

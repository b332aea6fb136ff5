/**
 * A node that fans out, for `storage.ts`: the core with a gateway that takes what it is given, 20 ms later. Is told
 * which database by its environment; tells that it is ready, and is woken by any message.
 */
import { v4, v7 } from 'uuid';
import type { Instance } from '../src/core/instances/instance.ts';
import { openGoneBrake } from '../src/core/delivery/gone-brake.ts';
import type { GatewayDevice } from '../src/core/ports/gateway.ts';
import { FanOut } from '../src/core/publish/fan-out.ts';
import { createMetrics } from '../src/metrics/create-metrics.ts';
import { openPostgresStore } from '../src/storage/postgres/open-postgres-store.ts';
import { directoryOf } from '../test/support/directory-of.ts';
import { plainSealer } from '../test/support/plain-sealer.ts';

const answerMs = 20;

const store = await openPostgresStore({ url: process.argv[2] ?? '' });
const shared = {
  store,
  sealer: plainSealer(),
  ids: { random: () => v4(), timeOrdered: () => v7(), unguessable: () => v7({}) },
  log: { info: () => {}, warn: console.error, error: console.error },
  metrics: createMetrics(),
  clock: Date.now,
};
const gateway = {
  deliver: ({ devices }: { readonly devices: readonly GatewayDevice[] }) => {
    const answered = new Promise<void>((resolve) => setTimeout(resolve, answerMs));
    return devices.map(async () => {
      await answered;
      return { kind: 'accepted' as const };
    });
  },
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
process.on('message', () => fanOut.wake());
process.on('disconnect', () => void fanOut.stop().then(() => store.close()));
process.send?.('ready');

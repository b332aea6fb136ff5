import { v4, v7 } from 'uuid';
import type { Instance } from '../../src/core/instances/instance.ts';
import type { DeliveryOutcome, GatewayDevice, WebContent } from '../../src/core/ports/gateway.ts';
import { runOne } from '../../src/core/ports/command.ts';
import type { InstanceRecord } from '../../src/core/ports/instance-store.ts';
import type { PublishSummary, PublishTarget } from '../../src/core/ports/publish-store.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { acceptPublish } from '../../src/core/publish/accept-publish.ts';
import type { PublishContent } from '../../src/core/ports/publish-body.ts';
import { openGoneBrake } from '../../src/core/delivery/gone-brake.ts';
import { FanOut } from '../../src/core/publish/fan-out.ts';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { openTestStore } from '../support/test-store.ts';
import { waitFor } from '../support/wait-for.ts';
import { directoryOf } from '../support/directory-of.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

/** Answers for an address, one attempt after another; the last one again and again. `accepted` when nothing is said. */
export type Answers = Record<string, readonly (DeliveryOutcome | Promise<DeliveryOutcome>)[]>;

/** The publishing core over a real store in memory, with a gateway that answers as the address tells. */
export async function openPublishingWorld({
  answers = {},
  giveUpAfterMs = 600_000,
  store: given,
  instanceId,
}: {
  readonly answers?: Answers;
  readonly giveUpAfterMs?: number;
  /** One in memory when it is not given; closed with the world. */
  readonly store?: Store;
  /** Of another world on the same database; a new one when it is not given. */
  readonly instanceId?: string;
} = {}) {
  const store = given ?? (await openTestStore());
  const instance: Instance = {
    id: instanceId ?? v4(),
    name: 'test',
    createdAt: 0,
    secretKey: 'secret',
    previousSecretKey: null,
    vapid: { publicKey: new Uint8Array(65), privateKey: new Uint8Array(0) },
    allowedOrigins: null,
    feed: false,
  };
  const record: InstanceRecord = {
    id: instance.id,
    name: instance.name,
    createdAt: 0,
    secretKey: new Uint8Array(0),
    previousSecretKey: null,
    vapidPublicKey: instance.vapid.publicKey,
    vapidPrivateKey: new Uint8Array(0),
    allowedOrigins: null,
    feed: false,
  };
  if (!instanceId) await runOne(store.createInstances, record);
  const attempts: string[] = [];
  const attemptsAt = new Map<string, number>();
  const batches: number[] = [];
  const gateway = {
    deliver: ({ devices }: { readonly devices: readonly GatewayDevice[] }) => {
      batches.push(devices.length);
      // As with sockets, others have their turn before the answers come.
      const answered = new Promise((resolve) => setImmediate(resolve));
      return devices.map(async ({ address }): Promise<DeliveryOutcome> => {
        const before = attemptsAt.get(address) ?? 0;
        attemptsAt.set(address, before + 1);
        attempts.push(address);
        const script = answers[address] ?? [];
        await answered;
        return (await script[Math.min(before, script.length - 1)]) ?? { kind: 'accepted' };
      });
    },
  };
  const sealer = { ...testSealer };
  const logged: { readonly event: string; readonly fields: unknown }[] = [];
  const write = (event: string, fields?: unknown) => void logged.push({ event, fields });
  let finished = 0;
  const shared = {
    store,
    sealer,
    ids: { random: () => v4(), timeOrdered: () => v7(), unguessable: () => v7({}) },
    log: { info: write, warn: write, error: write },
    metrics: createMetrics(),
  };
  const brake = await openGoneBrake({ ...shared, clock: Date.now, goneShare: 0.25 });
  const instances = directoryOf(instance);
  const fanOut = new FanOut({
    ...shared,
    brake,
    instances,
    clock: Date.now,
    gateways: { web: gateway, fcm: gateway, apns: gateway },
    giveUpAfterMs,
    gatewayDeadlineMs: 10_000,
    onGivenBack: () => {},
    onFinished: () => (finished += 1),
  });
  fanOut.start();
  const summarize = async (publishId: string): Promise<PublishSummary> => {
    const summary = await store.summarizePublish({ instanceId: instance.id, publishId });
    if (!summary) throw new Error('no such publish');
    return summary;
  };
  return {
    store,
    brake,
    instanceId: instance.id,
    /** Addresses in the order of their attempts. */
    attempts,
    /** Sizes of the batches that the gateway was given. */
    batches,
    logged,
    finished: () => finished,
    /** Registers many devices with one interest, in few commands. */
    registerMany: async (addresses: readonly string[], interest: string) => {
      const devices = addresses.map((address) => {
        const key = { instanceId: instance.id, platform: 'web', deviceId: v4() } as const;
        return { ...key, address, keys: new Uint8Array(81), metadata: '{}' };
      });
      // As many at a time as may wait for their commit.
      for (let from = 0; from < devices.length; from += 5_000) {
        const some = devices.slice(from, from + 5_000);
        await store.registerDevices(some);
        await store.replaceInterests(some.map((device) => ({ ...device, interests: [interest] })));
      }
    },
    /** Registers a device at an address; answers its id. */
    register: async (
      address: string,
      { user, interests = [] }: { user?: string; interests?: readonly string[] } = {},
    ) => {
      const device = { instanceId: instance.id, platform: 'web', address, keys: new Uint8Array(81) } as const;
      const registered = await runOne(store.registerDevices, { ...device, deviceId: v4(), metadata: '{}' });
      if (registered.kind !== 'registered') throw new Error(registered.kind);
      const key = { ...device, deviceId: registered.deviceId };
      if (user) await runOne(store.setDeviceUsers, { ...key, user, maxDevices: 100 });
      await runOne(store.replaceInterests, { ...key, interests });
      return key;
    },
    publish: async (target: PublishTarget, content: PublishContent = { web: webContent() }) => {
      const onAccepted = () => fanOut.wake();
      const request = { instanceId: instance.id, target, content };
      const { publishId } = await acceptPublish({ ...shared, instances, onAccepted, onMessages: () => {} }, request);
      if (publishId === null) throw new Error('the publish reached nobody');
      return publishId;
    },
    summarize,
    waitUntilFinished: (publishId: string, timeoutMs?: number) =>
      waitFor(
        'the publish to finish',
        async () => {
          const summary = await summarize(publishId);
          return summary.finishedAt !== null && summary;
        },
        timeoutMs,
      ),
    fanOut,
    /** May be changed. */
    sealer,
    stopFanOut: () => fanOut.stop(),
    stop: async () => {
      await fanOut.stop();
      await store.close();
    },
  };
}

export const webContent = (changes: Partial<WebContent> = {}): WebContent => ({
  timeToLiveSeconds: 3600,
  notification: { title: 'Hello' },
  data: {},
  ...changes,
});

export const fcmContent = { timeToLiveSeconds: 3600, message: {}, hasDisplayableContent: true, hasData: false };
export const apnsContent = { timeToLiveSeconds: 3600, payload: { aps: {} }, tracksDelivery: true };

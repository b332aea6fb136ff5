import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import { v4, v7 } from 'uuid';
import { afterEach, expect, test } from 'vitest';
import type { Instance } from '../../src/core/instances/instance.ts';
import { openGoneBrake } from '../../src/core/delivery/gone-brake.ts';
import { runOne } from '../../src/core/ports/command.ts';
import type { PublishTarget } from '../../src/core/ports/publish-store.ts';
import { acceptPublish } from '../../src/core/publish/accept-publish.ts';
import { FanOut } from '../../src/core/publish/fan-out.ts';
import { createAddressGuard } from '../../src/egress/address-guard.ts';
import { createPushConnections } from '../../src/egress/push-connections.ts';
import { createPushEndpointRules } from '../../src/egress/push-endpoint-rules.ts';
import { createWebPushGateway } from '../../src/gateways/web-push/gateway.ts';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { openTestStore } from '../support/test-store.ts';
import { webContent } from '../core/publishing-world.ts';
import type { HttpHandler } from '../support/http-handler.ts';
import { routedNetwork } from '../support/routed-network.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { directoryOf } from '../support/directory-of.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const windowPerOrigin = 60;
/** Far longer than the test: a request that is given up makes room for another. */
const deadlineMs = 300_000;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const vapid = {
  publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
  privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
};
const keys = Buffer.concat([createECDH('prime256v1').generateKeys(), randomBytes(16)]);

/** The real core, gateway and egress over the real store; each host is a TLS server of its own. */
async function startSending(hosts: Readonly<Record<string, HttpHandler>>, http2: boolean) {
  const authority = createTestAuthority();
  const routes: Record<string, number> = {};
  for (const [host, handler] of Object.entries(hosts)) {
    const front = await startTlsFront(authority, { [host]: handler }, { http2 });
    cleanups.push(() => front.close());
    routes[host] = front.port;
  }
  const store = await openTestStore();
  cleanups.push(() => store.close());
  const secrets = { secretKey: 'secret', previousSecretKey: null, allowedOrigins: null, feed: false };
  const instance: Instance = { id: v4(), name: 'test', createdAt: 0, vapid, ...secrets };
  const log = { info() {}, warn() {}, error() {} };
  const shared = {
    store,
    log,
    metrics: createMetrics(),
    clock: Date.now,
    sealer: testSealer,
    ids: { random: () => v4(), timeOrdered: () => v7(), unguessable: () => v7({}) },
  };
  const connections = createPushConnections({
    network: routedNetwork(routes),
    guard: createAddressGuard(),
    ca: authority.certificate,
  });
  const web = createWebPushGateway({
    connections,
    rules: createPushEndpointRules(Object.keys(hosts)),
    encryptionThreads: 1,
    windowPerOrigin,
    deadlineMs,
    clock: Date.now,
    log,
  });
  cleanups.push(() => web.close());
  const instances = directoryOf(instance);
  const fanOut = new FanOut({
    ...shared,
    brake: await openGoneBrake({ ...shared, goneShare: 0.25 }),
    instances,
    gateways: { web, fcm: { deliver: () => [] }, apns: { deliver: () => [] } },
    giveUpAfterMs: 600_000,
    gatewayDeadlineMs: deadlineMs,
    onGivenBack: () => undefined,
    onFinished: () => undefined,
  });
  fanOut.start();
  cleanups.push(() => fanOut.stop());
  const publish = async (target: PublishTarget) => {
    const request = { instanceId: instance.id, target, content: { web: webContent() } };
    const { publishId } = await acceptPublish(
      { ...shared, instances, onAccepted: () => fanOut.wake(), onMessages() {} },
      request,
    );
    if (publishId === null) throw new Error('the publish reached nobody');
    return async () => (await store.summarizePublish({ instanceId: instance.id, publishId }))!;
  };
  const register = async (endpoints: readonly string[]) => {
    const devices = endpoints.map((address) => {
      const key = { instanceId: instance.id, platform: 'web', deviceId: v4() } as const;
      return { ...key, address, keys, metadata: '{}' };
    });
    await store.registerDevices(devices);
    return devices;
  };
  return { store, publish, register };
}

test.each([
  ['HTTP/2', true],
  ['HTTP/1.1', false],
])('over %s, a service that never answers delays nothing but its own deliveries', async (_, http2) => {
  const size = 1_200;
  let atB = 0;
  const { promise: silence, resolve: speak } = Promise.withResolvers<void>();
  cleanups.push(speak);
  const { store, publish, register } = await startSending(
    {
      'a.test': () => ({ status: 201 }),
      'b.test': async () => {
        atB += 1;
        await silence;
        return { status: 201 };
      },
    },
    http2,
  );
  const endpoints = Array.from({ length: size }, (__, index) => `https://${index % 2 ? 'a' : 'b'}.test/${index}`);
  const devices = await register(endpoints);
  await store.replaceInterests(devices.map((device) => ({ ...device, interests: ['news'] })));
  const [annas] = await register(['https://a.test/anna']);
  await runOne(store.setDeviceUsers, { ...annas!, user: 'anna', maxDevices: 1 });

  const broadcast = await publish({ kind: 'interests', interests: ['news'] });
  await waitFor('B to be asked', () => atB > 0);
  const toAnna = await publish({ kind: 'users', users: ['anna'] });
  await waitFor('the publish to A', async () => (await toAnna()).finishedAt !== null);
  await waitFor("A's deliveries to be recorded", async () => (await broadcast()).counts.web?.accepted === size / 2);
  expect(atB).toBeGreaterThan(0);
  expect(atB).toBeLessThanOrEqual(windowPerOrigin);
  expect((await broadcast()).finishedAt).toBeNull();

  speak();
  await waitFor('B to have caught up', async () => (await broadcast()).finishedAt !== null);
  expect((await broadcast()).counts.web).toMatchObject({ accepted: size, failed: 0 });
});

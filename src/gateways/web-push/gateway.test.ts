import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';
import ece from 'http_ece';
import { afterEach, expect, test } from 'vitest';
import { vapidFault } from '../../../test/support/verify-vapid.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { DeviceAddress } from '../../core/ports/device-store.ts';
import type { DeliveryOutcome, GatewayBatch, WebContent, WebSender } from '../../core/ports/gateway.ts';
import type { PushConnections, PushRequest, PushResponse } from '../../core/ports/push-connections.ts';
import { createWebPushGateway } from './gateway.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const vapid = {
  publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
  privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Bench {
  readonly requests: PushRequest[];
  readonly warnings: unknown[];
  readonly deliver: (
    devices: readonly DeviceAddress[],
    content?: Partial<WebContent>,
  ) => readonly Promise<DeliveryOutcome>[];
}

interface BenchOptions {
  readonly respond?: (request: PushRequest) => PushResponse | Promise<PushResponse>;
  readonly windowPerOrigin?: number;
  readonly clock?: () => number;
}

const accepted: PushResponse = { kind: 'response', status: 201, retryAfterMs: null, text: '' };

function bench({ respond = () => accepted, windowPerOrigin = 100, clock = Date.now }: BenchOptions = {}): Bench {
  const requests: PushRequest[] = [];
  const warnings: unknown[] = [];
  const connections: PushConnections = {
    async request(request) {
      requests.push(request);
      return respond(request);
    },
    close: async () => undefined,
  };
  const gateway = createWebPushGateway({
    connections,
    rules: { refusal: (endpoint) => (endpoint.startsWith('https://evil') ? 'not allowed' : null) },
    encryptionThreads: 2,
    windowPerOrigin,
    deadlineMs: 10_000,
    clock,
    log: {
      info: () => undefined,
      warn: (event, fields) => void warnings.push({ event, ...fields }),
      error: (event, fields) => void warnings.push({ event, ...fields }),
    },
  });
  closers.push(() => gateway.close());
  return {
    requests,
    warnings,
    deliver(devices, content = {}) {
      const batch: GatewayBatch<WebContent, WebSender> = {
        instanceId: '11111111-1111-4111-8111-111111111111',
        publishId: '01890000-0000-7000-8000-000000000000',
        sender: { vapid, relayedEvents: [] },
        timeToLiveSeconds: 59.5,
        content: { timeToLiveSeconds: 60, notification: { title: 'Hi' }, data: {}, ...content },
        devices: devices.map((device) => ({ ...device, bundleIdentifier: null, registeredAt: 0 })),
      };
      return gateway.deliver(batch);
    },
  };
}

function newDevice(address = 'https://push.test/send/1?x=y') {
  const ecdh = createECDH('prime256v1');
  const authSecret = randomBytes(16);
  const keys = Buffer.concat([ecdh.generateKeys(), authSecret]);
  const device: DeviceAddress = { platform: 'web', address, keys };
  const open = (body: Uint8Array): unknown =>
    JSON.parse(
      ece
        .decrypt(Buffer.from(body), {
          version: 'aes128gcm',
          privateKey: ecdh,
          authSecret: authSecret.toString('base64url'),
        })
        .toString(),
    );
  return { device, open };
}

test('every device of a batch gets its own readable message, with the headers of the RFCs', async () => {
  const { deliver, requests } = bench();
  const devices = Array.from({ length: 250 }, (_, index) => newDevice(`https://push.test/send/${index}?x=y`));
  const outcomes = await Promise.all(deliver(devices.map(({ device }) => device)));
  expect(outcomes).toEqual(devices.map(() => ({ kind: 'accepted' })));
  for (const [index, { open }] of devices.entries()) {
    const request = requests.find(({ path }) => path === `/send/${index}?x=y`);
    expect(open(request?.body ?? new Uint8Array())).toMatchObject({ notification: { title: 'Hi' } });
  }
  const { origin, headers } = requests[0] as PushRequest;
  const { authorization, ...others } = headers;
  expect(origin).toBe('https://push.test');
  expect(others).toEqual({
    ttl: '59',
    urgency: 'normal',
    'content-encoding': 'aes128gcm',
    'content-type': 'application/octet-stream',
  });
  const key = Buffer.from(vapid.publicKey).toString('base64url');
  expect(vapidFault(authorization, { audiences: ['https://push.test'], key })).toBeNull();
});

test('urgency and topic as told', async () => {
  const { deliver, requests } = bench();
  await Promise.all(deliver([newDevice().device], { urgency: 'high', topic: 'news' }));
  expect(requests[0]?.headers).toMatchObject({ urgency: 'high', topic: 'news' });
});

test('bad keys reject one device, not its neighbours', async () => {
  const { deliver } = bench();
  const bad = { ...newDevice().device, keys: Uint8Array.from([4, ...Array<number>(80).fill(1)]) };
  const short = { ...newDevice().device, keys: new Uint8Array(3) };
  const kinds = await Promise.all(deliver([newDevice().device, bad, short, newDevice().device]));
  expect(kinds.map(({ kind }) => kind)).toEqual(['accepted', 'rejected', 'rejected', 'accepted']);
});

test('a payload beyond the limit is rejected with its sizes; the largest is sent', async () => {
  const { deliver, requests } = bench();
  const lengthOf = async (text: string): Promise<number> => {
    await Promise.all(deliver([newDevice().device], { notification: { title: text } }));
    return requests.pop()?.body.length ?? 0;
  };
  // The list is left out where there is no room for it.
  const empty = (await lengthOf('x')) - 1 - ',"relayedEvents":[]'.length;
  expect(await lengthOf('x'.repeat(4096 - empty))).toBe(4096);
  const [outcome] = await Promise.all(
    deliver([newDevice().device], { notification: { title: 'x'.repeat(4097 - empty) } }),
  );
  expect(outcome).toEqual({ kind: 'rejected', reason: expect.stringMatching(/3994 bytes .* 4097, .* 4096/) });
  expect(requests).toEqual([]);
});

test('endpoints that the rules refuse are rejected before anything is sent', async () => {
  const { deliver, requests, warnings } = bench();
  const outcomes = await Promise.all(deliver([newDevice('https://evil.test/x').device, newDevice('nonsense').device]));
  expect(outcomes).toEqual([
    { kind: 'rejected', reason: 'not allowed' },
    { kind: 'rejected', reason: 'endpoint is not a URL' },
  ]);
  expect(requests).toEqual([]);
  expect(warnings[0]).toMatchObject({ event: 'push.rejected', origin: 'https://evil.test' });
});

test('the operator is told of a rejection once in a while, not once a device', async () => {
  let now = 0;
  const response: PushResponse = { kind: 'response', status: 403, retryAfterMs: null, text: 'bad key' };
  const { deliver, warnings } = bench({ respond: () => response, clock: () => now });
  const devices = Array.from({ length: 5 }, () => newDevice().device);
  await Promise.all(deliver(devices));
  expect(warnings).toEqual([
    {
      event: 'push.rejected',
      instanceId: '11111111-1111-4111-8111-111111111111',
      origin: 'https://push.test',
      cause: 403,
      reason: 'https://push.test answered 403: bad key',
      suppressed: 0,
    },
  ]);
  now += 10 * 60_000;
  await Promise.all(deliver(devices));
  expect(warnings).toHaveLength(2);
  expect(warnings[1]).toMatchObject({ suppressed: 4 });
});

test('an origin that hangs fills its own window and delays nobody else in the batch', async () => {
  const hanging = Promise.withResolvers<PushResponse>();
  const { deliver, requests } = bench({
    windowPerOrigin: 20,
    respond: ({ origin }) => (origin === 'https://hangs.test' ? hanging.promise : accepted),
  });
  const devices = Array.from(
    { length: 160 },
    (_, index) => newDevice(index % 2 ? 'https://hangs.test/x' : 'https://push.test/x').device,
  );
  const outcomes = deliver(devices);
  const failed: DeliveryOutcome[] = [];
  for (const outcome of outcomes) void outcome.then((value) => value.kind === 'failed' && failed.push(value));
  const others = await Promise.all(outcomes.filter((_, index) => index % 2 === 0));
  expect(others.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(requests.filter(({ origin }) => origin === 'https://hangs.test')).toHaveLength(20);

  await waitFor('those without a place to give way', () => failed.length === 60);
  expect(failed[0]).toEqual({ kind: 'failed', reason: 'https://hangs.test: window full', retryAfterMs: null });
  hanging.resolve(accepted);
  expect((await Promise.all(outcomes)).filter(({ kind }) => kind === 'accepted')).toHaveLength(100);
});

test('a bug below is an outcome, and one error in the log a batch', async () => {
  const { deliver, warnings } = bench({
    respond: () => {
      throw new Error('bug');
    },
  });
  const devices = Array.from({ length: 5 }, () => newDevice().device);
  const outcome = { kind: 'failed', reason: 'internal error', retryAfterMs: null };
  expect(await Promise.all(deliver(devices))).toEqual(devices.map(() => outcome));
  expect(warnings).toMatchObject([{ event: 'push.broken' }]);
});

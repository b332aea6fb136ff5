import { afterEach, expect, test } from 'vitest';
import type { FcmAnswer, FcmService } from '../support/fcm-service.ts';
import { createFcmService } from '../support/fcm-service.ts';
import { routedNetwork } from '../support/routed-network.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { readServiceAccount } from '../../src/core/credentials/fcm-credentials.ts';
import type { DeliveryOutcome, FcmContent, FcmCredentials } from '../../src/core/ports/gateway.ts';
import type { PushConnections } from '../../src/core/ports/push-connections.ts';
import { createAddressGuard } from '../../src/egress/address-guard.ts';
import { createPushConnections } from '../../src/egress/push-connections.ts';
import { createFcmGateway } from '../../src/gateways/fcm/gateway.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const publish = {
  instanceId: '11111111-1111-4111-8111-111111111111',
  publishId: '01890000-0000-7000-8000-000000000000',
};
const content: FcmContent = {
  timeToLiveSeconds: 60,
  message: { notification: { title: 'Hi' }, data: { order: '7' } },
  clickAction: 'OPEN_ORDER',
  hasDisplayableContent: true,
  hasData: true,
};

function account(file: FcmService['serviceAccount']): FcmCredentials {
  const read = readServiceAccount(file);
  if ('kind' in read) throw new Error(read.expected);
  return read;
}

const sendOver = (
  gateway: ReturnType<typeof createFcmGateway>,
  sender: FcmCredentials,
  tokens: readonly string[],
): Promise<readonly DeliveryOutcome[]> =>
  Promise.all(
    gateway.deliver({
      ...publish,
      sender,
      content,
      timeToLiveSeconds: 59,
      devices: tokens.map((address) => ({
        platform: 'fcm',
        address,
        keys: new Uint8Array(0),
        bundleIdentifier: null,
        registeredAt: 0,
      })),
    }),
  );

/** The gateway in front of a service that answers by registration token. */
async function open(answers: Readonly<Record<string, readonly FcmAnswer[]>> = {}, http2 = true) {
  const authority = createTestAuthority();
  const answer = (token: string, attempt: number): FcmAnswer =>
    answers[token]?.[Math.min(attempt, answers[token].length - 1)] ?? 'accept';
  let now = Date.now();
  const service = createFcmService({ answer, clock: () => now });
  const front = await startTlsFront(authority, service.handlers, { http2 });
  const network = routedNetwork(Object.fromEntries(front.hosts.map((host) => [host, front.port])));
  const connections = createPushConnections({ network, guard: createAddressGuard(), ca: authority.certificate });
  const logged: { readonly event: string; readonly fields: unknown }[] = [];
  const write = (event: string, fields?: unknown) => void logged.push({ event, fields });
  const gateway = createFcmGateway({
    connections,
    windowPerOrigin: 100,
    deadlineMs: 5_000,
    clock: () => now,
    log: { info: write, warn: write, error: write },
  });
  cleanups.push(async () => {
    await gateway.close();
    await front.close();
  });
  const sender = account(service.serviceAccount);
  return {
    service,
    gateway,
    sender,
    logged,
    later: (ms: number) => void (now += ms),
    send: (tokens: readonly string[], used = sender) => sendOver(gateway, used, tokens),
  };
}

test.each([['HTTP/2', true] as const, ['HTTP/1.1', false] as const])(
  '%s: a message arrives with what the SDK needs; one access token serves all',
  async (_, http2) => {
    const { service, send } = await open({}, http2);
    const tokens = Array.from({ length: 50 }, (_entry, index) => `token-${index}`);
    expect(new Set((await send(tokens)).map(({ kind }) => kind))).toEqual(new Set(['accepted']));
    expect(service.tokensIssued()).toBe(1);
    expect(service.accepted.map(({ token }) => token).toSorted()).toEqual(tokens.toSorted());
    expect(service.accepted[0]?.message).toEqual({
      notification: { title: 'Hi' },
      data: {
        order: '7',
        pusher: JSON.stringify({
          instanceId: publish.instanceId,
          publishId: `pubid-${publish.publishId}`,
          clickAction: 'OPEN_ORDER',
          hasDisplayableContent: true,
          hasData: true,
        }),
      },
      android: { ttl: '59s' },
    });
  },
);

// firebase.google.com, FCM REST API, ErrorCode.
test.each<[FcmAnswer, object]>([
  [{ status: 404, errorCode: 'UNREGISTERED' }, { kind: 'gone' }],
  [{ status: 404, body: 'Requested entity was not found.' }, { kind: 'rejected' }],
  [{ status: 400, errorCode: 'INVALID_ARGUMENT' }, { kind: 'rejected' }],
  [{ status: 403, errorCode: 'SENDER_ID_MISMATCH' }, { kind: 'rejected' }],
  [{ status: 401, errorCode: 'THIRD_PARTY_AUTH_ERROR' }, { kind: 'rejected' }],
  [
    { status: 429, errorCode: 'QUOTA_EXCEEDED' },
    { kind: 'throttled', retryAfterMs: 60_000 },
  ],
  [
    { status: 429, errorCode: 'QUOTA_EXCEEDED', retryAfter: 7 },
    { kind: 'throttled', retryAfterMs: 7_000 },
  ],
  [{ status: 429 }, { kind: 'throttled', retryAfterMs: 60_000 }],
  [
    { status: 503, errorCode: 'UNAVAILABLE', retryAfter: 3 },
    { kind: 'failed', retryAfterMs: 3_000 },
  ],
  [
    { status: 500, errorCode: 'INTERNAL' },
    { kind: 'failed', retryAfterMs: null },
  ],
  [{ status: 502, body: 'x'.repeat(100_000) }, { kind: 'failed' }],
  [{ status: 403, body: 'PERMISSION_DENIED' }, { kind: 'unauthorized' }],
])('answer %#', async (answer, outcome) => {
  const { send } = await open({ device: [answer] });
  expect(await send(['device'])).toMatchObject([outcome]);
});

test('an access token that ends early is replaced once', async () => {
  const { service, send } = await open();
  await send(['a']);
  service.expireTokens();
  expect(await send(['b'])).toEqual([{ kind: 'accepted' }]);
  expect(service.tokensIssued()).toBe(2);
});

test('a token is renewed ahead of its end, while it still serves', async () => {
  const { service, send, later } = await open();
  await send(['a']);
  later(56 * 60_000);
  expect(await send(['b'])).toEqual([{ kind: 'accepted' }]);
  await expect.poll(() => service.tokensIssued()).toBe(2);
});

test('an account that is refused pauses the platform, says so once, and is tried again later', async () => {
  const { service, send, logged, later, sender } = await open();
  service.deleteAccount();
  const outcomes = await send(['a', 'b', 'c']);
  expect(outcomes).toMatchObject(Array.from({ length: 3 }, () => ({ kind: 'unauthorized', retryAfterMs: 60_000 })));
  expect(outcomes[0]).toMatchObject({ reason: expect.stringContaining('invalid_grant') });
  later(1_000);
  expect(await send(['d'])).toMatchObject([{ kind: 'unauthorized', retryAfterMs: 59_000 }]);
  expect(logged.filter(({ event }) => event === 'platform.paused')).toHaveLength(1);
  expect(JSON.stringify(logged)).not.toContain('PRIVATE KEY');
  // Credentials that were set anew are another object, and not paused.
  expect(await send(['e'], { ...sender })).toMatchObject([{ kind: 'unauthorized', retryAfterMs: 60_000 }]);
  expect(logged.filter(({ event }) => event === 'platform.paused')).toHaveLength(2);
});

/** The gateway before services that answer as told, with few places. */
function openBefore(answer: (path: string) => Promise<object>) {
  const connections: PushConnections = {
    request: async ({ path }) => {
      const text = JSON.stringify(await answer(path));
      return { kind: 'response', status: 200, retryAfterMs: null, text };
    },
    close: async () => {},
  };
  const log = { info() {}, warn() {}, error() {} };
  const gateway = createFcmGateway({ connections, windowPerOrigin: 10, deadlineMs: 60_000, clock: Date.now, log });
  return { send: (used: FcmCredentials, tokens: readonly string[]) => sendOver(gateway, used, tokens) };
}

const accessToken = { access_token: 'ya29', expires_in: 3599 };

test('a token that does not come is not waited for by all', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const gateway = openBefore((path) => (path === '/token' ? promise : Promise.resolve({})));
  const used = account(createFcmService().serviceAccount);
  const waiting = gateway.send(used, ['a', 'b']);
  let late: DeliveryOutcome | undefined;
  // Who comes in the first second waits too.
  await waitFor('somebody to give way', () => {
    void gateway.send(used, ['c']).then(([outcome]) => (late ??= outcome));
    return late;
  });
  expect(late).toMatchObject({ kind: 'failed', reason: expect.stringContaining('no answer yet') });
  resolve(accessToken);
  expect(await waiting).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }]);
});

test('a project that gets no answers takes no places from another', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const gateway = openBefore(async (path) =>
    path === '/token' ? accessToken : path.includes('/slow-12345/') ? promise : {},
  );
  const used = account(createFcmService().serviceAccount);
  const slow = gateway.send(
    { ...used, projectId: 'slow-12345' },
    Array.from({ length: 30 }, (_, index) => `${index}`),
  );
  const others = Array.from({ length: 30 }, (_, index) => `${index}`);
  const outcomes = await gateway.send({ ...used, projectId: 'quick-12345' }, others);
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  resolve({});
  await slow;
});

test('credentials are checked without a message to anybody', async () => {
  const { service, gateway, sender } = await open();
  expect(await gateway.check(sender)).toEqual({ kind: 'accepted' });
  expect(service.validations()).toBe(1);
  expect(service.accepted).toEqual([]);
  expect(await gateway.check({ ...sender, projectId: 'another-1' })).toMatchObject({ kind: 'refused' });
  service.deleteAccount();
  expect(await gateway.check({ ...sender })).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('grant'),
  });
});

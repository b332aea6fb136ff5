import { afterEach, expect, test } from 'vitest';
import type { ApnsAnswer, ApnsServiceOptions } from '../support/apns-service.ts';
import { startApnsService } from '../support/apns-service.ts';
import { routedNetwork } from '../support/routed-network.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { waitFor } from '../support/wait-for.ts';
import type { ApnsContent, ApnsCredentials } from '../../src/core/ports/gateway.ts';
import { createAddressGuard } from '../../src/egress/address-guard.ts';
import { createPushConnections } from '../../src/egress/push-connections.ts';
import { verdictOf } from '../../src/gateways/apns/errors.ts';
import { createApnsGateway } from '../../src/gateways/apns/gateway.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const topic = 'com.example.shop';
const publish = {
  instanceId: '11111111-1111-4111-8111-111111111111',
  publishId: '01890000-0000-7000-8000-000000000000',
};
const alert: ApnsContent = { timeToLiveSeconds: 60, payload: { aps: { alert: 'Hi' } }, tracksDelivery: true };
const tokenOf = (index: number): string => index.toString(16).padStart(64, 'a');

interface Sending {
  readonly content?: ApnsContent;
  readonly used?: ApnsCredentials;
  readonly ttl?: number;
}

interface Device {
  readonly token: string;
  readonly bundleIdentifier?: string | null;
  readonly registeredAt?: number;
}

async function open({
  answers = {},
  deadlineMs = 5_000,
  ...options
}: ApnsServiceOptions & {
  readonly answers?: Readonly<Record<string, readonly ApnsAnswer[]>>;
  deadlineMs?: number;
} = {}) {
  const authority = createTestAuthority();
  let now = Date.now();
  const answer = (token: string, attempt: number): ApnsAnswer =>
    answers[token]?.[Math.min(attempt, answers[token].length - 1)] ?? 'accept';
  const service = await startApnsService(authority, { answer, clock: () => now, ...options });
  const network = routedNetwork(Object.fromEntries(service.hosts.map((host) => [host, service.port])));
  const wire = { network, guard: createAddressGuard(), ca: authority.certificate };
  const logged: { readonly event: string; readonly fields: unknown }[] = [];
  const write = (event: string, fields?: unknown) => void logged.push({ event, fields });
  const gateway = createApnsGateway({
    openConnections: (clientCertificate) =>
      createPushConnections({ ...wire, ...(clientCertificate && { clientCertificate }) }),
    windowPerOrigin: 1_000,
    deadlineMs,
    clock: () => now,
    log: { info: write, warn: write, error: write },
  });
  cleanups.push(async () => {
    service.dropConnections();
    await gateway.close();
    await service.close();
  });
  const sender: ApnsCredentials = { environment: 'production', bundleIdentifier: null, kind: 'token', ...service.key };
  return {
    authority,
    service,
    gateway,
    sender,
    logged,
    later: (ms: number) => void (now += ms),
    send: (devices: readonly Device[], { content = alert, used = sender, ttl = 59 }: Sending = {}) =>
      Promise.all(
        gateway.deliver({
          ...publish,
          sender: used,
          content,
          timeToLiveSeconds: ttl,
          devices: devices.map(({ token, bundleIdentifier = topic, registeredAt = 0 }) => ({
            platform: 'apns',
            address: token,
            keys: new Uint8Array(0),
            bundleIdentifier,
            registeredAt,
          })),
        }),
      ),
  };
}

test('a notification arrives with what the SDK needs; one provider token serves all', async () => {
  const { service, send } = await open();
  const devices = Array.from({ length: 300 }, (_, index) => ({ token: tokenOf(index) }));
  const outcomes = await send(devices);
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect(service.providerTokens.size).toBe(1);
  expect(service.accepted).toHaveLength(300);
  expect(service.accepted[0]?.payload).toEqual({
    aps: { alert: 'Hi', 'content-available': 1 },
    data: {
      pusher: { instanceId: publish.instanceId, publishId: `pubid-${publish.publishId}`, userShouldIgnore: true },
    },
  });
});

test.each<[string, Partial<ApnsContent>, object, object, number?]>([
  [
    'an alert',
    { priority: 5, collapseId: 'c' },
    { 'apns-push-type': 'alert', 'apns-priority': '5', 'apns-collapse-id': 'c' },
    {},
  ],
  ['now or never', {}, { 'apns-expiration': '0' }, {}, 0],
  [
    'a background notification',
    { payload: { aps: { 'content-available': 1 } }, priority: 10 },
    { 'apns-push-type': 'background', 'apns-priority': '5' },
    { data: { pusher: { instanceId: publish.instanceId, publishId: `pubid-${publish.publishId}` } } },
  ],
  ['the end that was published', { expiresAtSeconds: 1_900_000_000 }, { 'apns-expiration': '1900000000' }, {}],
  [
    'an app that is woken, in another spelling',
    { payload: { aps: { alert: 'Hi', 'content-available': true } } },
    {},
    {
      aps: { alert: 'Hi', 'content-available': 1 },
      data: { pusher: { instanceId: publish.instanceId, publishId: `pubid-${publish.publishId}` } },
    },
  ],
  [
    'an app that was not to be woken, but tracks',
    { payload: { aps: { alert: 'Hi', 'content-available': 0 } } },
    {},
    {
      aps: { alert: 'Hi', 'content-available': 1 },
      data: {
        pusher: { instanceId: publish.instanceId, publishId: `pubid-${publish.publishId}`, userShouldIgnore: true },
      },
    },
  ],
  ['no tracking', { tracksDelivery: false }, { 'apns-push-type': 'alert' }, { aps: { alert: 'Hi' } }],
])('%s', async (_, changes, headers, payload, ttl = 59) => {
  const { service, send } = await open();
  expect(await send([{ token: tokenOf(1) }], { content: { ...alert, ...changes }, ttl })).toEqual([
    { kind: 'accepted' },
  ]);
  expect(service.accepted[0]?.headers).toMatchObject({ 'apns-topic': topic, ...headers });
  for (const [key, value] of Object.entries(payload)) expect(service.accepted[0]?.payload[key]).toEqual(value);
});

test('who did not say which app it is gets the topic of the credentials, or nothing', async () => {
  const { service, send, sender } = await open();
  const device = { token: tokenOf(1), bundleIdentifier: null };
  expect(await send([device])).toMatchObject([{ kind: 'rejected', reason: expect.stringContaining('bundle') }]);
  expect(await send([device], { used: { ...sender, bundleIdentifier: topic } })).toEqual([{ kind: 'accepted' }]);
  expect(service.accepted[0]?.topic).toBe(topic);
});

// Apple, Handling notification responses from APNs: the table of reasons.
test.each<[number, string, string]>([
  ...(
    [
      ...['BadCollapseId', 'BadDeviceToken', 'BadExpirationDate', 'BadMessageId', 'BadPriority', 'BadTopic'],
      ...['DeviceTokenNotForTopic', 'DuplicateHeaders', 'InvalidPushType', 'MissingDeviceToken', 'MissingTopic'],
      ...['PayloadEmpty', 'TopicDisallowed'],
    ] as const
  ).map((reason): [number, string, string] => [400, reason, 'rejected']),
  [400, 'IdleTimeout', 'failed'],
  ...(
    [
      ...['BadCertificate', 'BadCertificateEnvironment', 'Forbidden', 'InvalidProviderToken', 'MissingProviderToken'],
      ...['UnrelatedKeyIdInToken', 'BadEnvironmentKeyIdInToken'],
    ] as const
  ).map((reason): [number, string, string] => [403, reason, 'unauthorized']),
  [404, 'BadPath', 'rejected'],
  [405, 'MethodNotAllowed', 'rejected'],
  [410, 'ExpiredToken', 'gone'],
  [410, 'Unregistered', 'gone'],
  [413, 'PayloadTooLarge', 'rejected'],
  [429, 'TooManyProviderTokenUpdates', 'throttled'],
  [429, 'TooManyRequests', 'throttled'],
  [500, 'InternalServerError', 'failed'],
  [503, 'ServiceUnavailable', 'failed'],
  [503, 'Shutdown', 'failed'],
  [418, 'SomethingNew', 'rejected'],
])('%d %s: %s', async (status, reason, kind) => {
  const { send } = await open({ answers: { [tokenOf(1)]: [{ status, reason }] } });
  expect(await send([{ token: tokenOf(1) }])).toMatchObject([{ kind }]);
});

test('credentials that are refused for one app are used for the others', async () => {
  const refused: ApnsAnswer = { status: 403, reason: 'InvalidProviderToken' };
  const foreign = { bundleIdentifier: 'com.example.foreign' };
  const topics = [topic, foreign.bundleIdentifier];
  const { send, service } = await open({ answers: { [tokenOf(1)]: [refused], [tokenOf(2)]: [refused] }, topics });
  expect(await send([{ token: tokenOf(1), ...foreign }])).toMatchObject([{ kind: 'unauthorized' }]);
  const outcomes = await send([{ token: tokenOf(2), ...foreign }, { token: tokenOf(3) }]);
  expect(outcomes).toMatchObject([{ kind: 'unauthorized' }, { kind: 'accepted' }]);
  expect(service.requests.get(tokenOf(2))).toBeUndefined();
});

test.each<[string, ApnsAnswer, object]>([
  ['a reset stream', 'reset', { kind: 'failed', retryAfterMs: null }],
  ['a page', { status: 502, body: '<html>'.repeat(20_000) }, { kind: 'failed', reason: 'APNs answered 502' }],
  ['an array', { status: 400, body: '["BadDeviceToken"]' }, { kind: 'rejected', reason: 'APNs answered 400' }],
  ['not now', { status: 503, reason: 'ServiceUnavailable', retryAfter: 7 }, { kind: 'failed', retryAfterMs: 7_000 }],
  ['slower', { status: 429, reason: 'TooManyRequests', retryAfter: 5 }, { kind: 'throttled', retryAfterMs: 5_000 }],
])('%s', async (_, answer, outcome) => {
  const { send } = await open({ answers: { [tokenOf(1)]: [answer] } });
  expect(await send([{ token: tokenOf(1) }])).toMatchObject([outcome]);
});

test('that a device is gone is believed only when it has not registered since', async () => {
  const at = 1_700_000_000_000;
  const { send } = await open({ answers: { [tokenOf(1)]: [{ status: 410, reason: 'Unregistered', timestamp: at }] } });
  expect(await send([{ token: tokenOf(1), registeredAt: at - 1 }])).toMatchObject([{ kind: 'gone' }]);
  expect(await send([{ token: tokenOf(1), registeredAt: at + 1 }])).toMatchObject([{ kind: 'failed' }]);
});

test('a provider token is renewed by age, and replaced when Apple calls it expired', async () => {
  const expired = [{ status: 403, reason: 'ExpiredProviderToken' }, 'accept'] as const;
  const { service, send, later } = await open({ answers: { [tokenOf(3)]: expired, [tokenOf(4)]: [expired[0]] } });
  await send([{ token: tokenOf(1) }]);
  later(39 * 60_000);
  await send([{ token: tokenOf(2) }]);
  expect(service.providerTokens.size).toBe(1);
  // Older than twenty minutes: Apple takes another.
  expect(await send([{ token: tokenOf(3) }])).toEqual([{ kind: 'accepted' }]);
  expect(service.providerTokens.size).toBe(2);
  // Younger: another one would only make Apple angry.
  expect(await send([{ token: tokenOf(4) }])).toMatchObject([{ kind: 'unauthorized' }]);
  expect(service.providerTokens.size).toBe(2);
  later(61 * 60_000);
  expect(await send([{ token: tokenOf(5) }])).toEqual([{ kind: 'accepted' }]);
  expect(service.providerTokens.size).toBe(3);
});

test('a revoked key pauses the platform, says so once, and is tried again later', async () => {
  const { service, send, logged, later } = await open();
  service.revokeKey();
  const devices = Array.from({ length: 5 }, (_, index) => ({ token: tokenOf(index) }));
  const refused = Array.from({ length: 5 }, () => ({ kind: 'unauthorized', retryAfterMs: 60_000 }));
  expect(await send(devices)).toMatchObject(refused);
  const asked = service.requests.size;
  await send([{ token: tokenOf(9) }]);
  expect(service.requests.size).toBe(asked);
  expect(logged.filter(({ event }) => event === 'platform.paused')).toHaveLength(1);
  expect(JSON.stringify(logged)).not.toContain('PRIVATE KEY');
  later(60_001);
  await send([{ token: tokenOf(9) }]);
  expect(service.requests.size).toBe(asked + 1);
});

test('GOAWAY: what runs is answered, what comes next goes over another connection, nothing is sent twice', async () => {
  const { promise, resolve } = Promise.withResolvers<ApnsAnswer>();
  const { service, send } = await open({ answer: (token) => (token === tokenOf(0) ? promise : 'accept') });
  const slow = send([{ token: tokenOf(0) }]);
  await waitFor('the slow one', () => service.requests.has(tokenOf(0)));
  service.goAway();
  const devices = Array.from({ length: 50 }, (_, index) => ({ token: tokenOf(index + 1) }));
  expect(new Set((await send(devices)).map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect(service.connections()).toBeGreaterThan(1);
  resolve('accept');
  expect(await slow).toEqual([{ kind: 'accepted' }]);
  expect([...service.requests.values()].every((times) => times === 1)).toBe(true);
});

test('a connection that is lost fails its unanswered streams only; the next attempt reaches a new connection', async () => {
  const { service, send } = await open({ answers: { [tokenOf(0)]: ['hang', 'accept'] } });
  const hanging = send([{ token: tokenOf(0) }]);
  expect(await send([{ token: tokenOf(1) }])).toEqual([{ kind: 'accepted' }]);
  await waitFor('the hanging one', () => service.requests.has(tokenOf(0)));
  service.dropConnections();
  expect(await hanging).toMatchObject([{ kind: 'failed' }]);
  expect(await send([{ token: tokenOf(0) }])).toEqual([{ kind: 'accepted' }]);
  expect(service.requests.get(tokenOf(1))).toBe(1);
});

test('what is not answered in time has failed', async () => {
  const { send } = await open({ answers: { [tokenOf(0)]: ['hang'] }, deadlineMs: 300 });
  expect(await send([{ token: tokenOf(0) }])).toMatchObject([{ kind: 'failed', retryAfterMs: null }]);
});

test('no more streams than Apple allows, on several connections', async () => {
  const { service, send } = await open({ maxConcurrentStreams: 20 });
  const devices = Array.from({ length: 500 }, (_, index) => ({ token: tokenOf(index) }));
  expect(new Set((await send(devices)).map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect(service.mostStreams()).toBeLessThanOrEqual(20);
  expect(service.connections()).toBeGreaterThan(1);
});

test('a team has connections of its own; instances with the same key share theirs and its token', async () => {
  const { service, sender, send, logged } = await open();
  const another: ApnsCredentials = { ...sender, ...service.foreignKey };
  const devices = Array.from({ length: 20 }, (_, index) => ({ token: tokenOf(index) }));
  const sent = await Promise.all([sender, another, { ...sender }].map((used) => send(devices, { used })));
  expect(new Set(sent.flat().map(({ kind }) => kind))).toEqual(new Set(['accepted']));
  expect(service.providerTokens.size).toBe(2);
  expect(logged).toEqual([]);
});

test('a certificate is shown on its own connections, and needs no provider token', async () => {
  const { authority, service, send, later } = await open();
  const { cert: certificate, key: privateKey } = authority.issue(['Apple Push Services: com.example.shop']);
  const used = {
    environment: 'sandbox',
    bundleIdentifier: topic,
    kind: 'certificate',
    certificate,
    privateKey,
  } as const;
  expect(await send([{ token: tokenOf(1) }, { token: tokenOf(2) }], { used })).toEqual([
    { kind: 'accepted' },
    { kind: 'accepted' },
  ]);
  expect(service.providerTokens.size).toBe(0);
  expect(service.accepted[0]?.headers[':authority']).toBe('api.sandbox.push.apple.com');
  later(31 * 86_400_000);
  const refused = { kind: 'unauthorized', reason: expect.stringContaining('has expired on'), retryAfterMs: 60_000 };
  expect(await send([{ token: tokenOf(3) }], { used })).toMatchObject([refused]);
  expect(service.requests.has(tokenOf(3))).toBe(false);
});

test.each(['ssl/tls alert certificate revoked', 'tlsv1 alert unknown ca', 'ssl/tls alert bad certificate'])(
  'TLS ends with %s: the credentials are refused',
  (message) => {
    const verdict = verdictOf({ kind: 'error', reason: 'connection', message: `connection failed: ${message}` }, 0);
    expect(verdict).toMatchObject({ kind: 'credentials-refused' });
  },
);

test('credentials are checked without a notification to anybody', async () => {
  const { service, gateway, sender } = await open();
  expect(await gateway.check(sender)).toEqual({ kind: 'accepted' });
  expect(await gateway.check({ ...sender, bundleIdentifier: topic })).toEqual({ kind: 'accepted' });
  expect(await gateway.check({ ...sender, bundleIdentifier: 'com.other' })).toMatchObject({ kind: 'refused' });
  service.revokeKey();
  expect(await gateway.check(sender)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('403') });
  expect(service.accepted).toEqual([]);
});

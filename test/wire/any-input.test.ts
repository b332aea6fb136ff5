import fc from 'fast-check';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import { anInstance } from '../../src/storage/testsuite/fixtures.ts';
import { decodeWebToken } from '../../src/wire/beams/web-token.ts';
import { userIdInPath } from '../../src/wire/beams/user-deletion.ts';
import { encodeSubscription, openWorld, type World } from './beams-world.ts';
import { nearly } from './nearly.ts';
import { overSocket, type RawRequest, type Send } from './send.ts';

let store: Store;
let world: World;
let send: Send;
beforeAll(async () => {
  store = await openTestStore();
  await runOne(store.createInstances, anInstance({ id: instance, feed: true }));
  world = await openWorld(store);
  send = await overSocket(world.app);
});
afterAll(async () => {
  await world.app.close();
  await store.close();
});

/** Whatever comes in, the answer is 200 or a refusal that every client can read. Null when it is, else what is wrong. */
async function flawOfAnswer(
  request: Partial<RawRequest> & Pick<RawRequest, 'method' | 'path'>,
): Promise<string | null> {
  const headers = { authorization: `Bearer ${world.values['secretKey']}`, ...request.headers };
  const { status, body } = await send({ ...request, headers, body: request.body ?? null });
  const failure = world.logged.find((line) => line.startsWith('http.'));
  if (failure !== undefined || status >= 500) return `${status} ${failure}`;
  const isRefusal = /^\{"error":"[^"]+","description":"(?:[^"\\]|\\.)+"\}\n$/.test(body);
  return status === 200 || isRefusal ? null : `${status} ${body}`;
}

const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const device = `/device_api/v1/instances/${instance}/devices/web/web-11111111-1111-4111-8111-111111111111`;
const json = { 'content-type': 'application/json' };

const routes = {
  'publish to interests': {
    method: 'POST',
    path: `/publish_api/v1/instances/${instance}/publishes/interests`,
    body: {
      interests: ['a'],
      web: { time_to_live: 1, notification: { title: 't' }, data: {} },
      fcm: {},
      apns: {},
      webhookUrl: 'https://a.example',
    },
  },
  'publish to users': {
    method: 'POST',
    path: `/publish_api/v1/instances/${instance}/publishes/users`,
    body: { users: ['a', '\ud800', ''], web: { notification: null }, webhookUrl: 'https://[::' },
  },
  registration: {
    method: 'POST',
    path: `/device_api/v1/instances/${instance}/devices/web`,
    body: { token: encodeSubscription('any'), metadata: { sdkVersion: '1', ['__proto__']: 1 } },
  },
  metadata: { method: 'PUT', path: `${device}/metadata`, body: { sdkVersion: '1', androidVersion: null } },
  interests: { method: 'PUT', path: `${device}/interests`, body: { interests: ['a', 'b c'] } },
  report: {
    method: 'POST',
    path: `/reporting_api/v2/instances/${instance}/events`,
    body: {
      event: 'Open',
      publishId: 'pubid-01930000-0000-7000-8000-000000000000',
      deviceId: 'web-11111111-1111-4111-8111-111111111111',
      timestampSecs: 1,
      userId: null,
      hasData: true,
    },
  },
};

test.each(Object.entries(routes))('%s takes any body', async (_name, { method, path, body }) => {
  const bodies = fc.oneof(nearly(body), fc.json(), fc.string({ unit: 'binary' }));
  await fc.assert(
    fc.asyncProperty(bodies, async (text) => {
      expect(await flawOfAnswer({ method, path, headers: json, body: text })).toBeNull();
    }),
    { numRuns: 150 },
  );
});

/** Paths as raw bytes allow them: any printable ASCII, with a taste for percent signs. */
const rawPath = fc.string({
  unit: fc.oneof(
    fc.constantFrom('%', '%25', '%C3%A9', '%00', '/', '+', ';', '?', '%2F', '..'),
    fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  ),
});
const prefixes = [
  '/',
  `/customer_api/v1/instances/${instance}/users/`,
  `/user_api/v1/instances/${instance}/users/`,
  `/device_api/v1/instances/${instance}/devices/`,
  `${device}/interests/`,
  `${device}/interests?`,
  '/device_api/v1/instances/',
  '/publish_api/v1/instances/',
  '/reporting_api/v2/instances/',
  '/events/v1/instances/',
  `/events/v1/instances/${instance}/events?`,
];

test('any path is answered', async () => {
  const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH');
  await fc.assert(
    fc.asyncProperty(methods, fc.constantFrom(...prefixes), rawPath, async (method, prefix, rest) => {
      expect(await flawOfAnswer({ method, path: prefix + rest })).toBeNull();
    }),
    { numRuns: 1000 },
  );
});

test('any query of the feed is answered', async () => {
  const almost = (...values: string[]) => fc.oneof(fc.constantFrom(...values), fc.string({ unit: 'binary' }));
  const query = fc.record(
    {
      after: almost('0', 'zz', 'zzzzzzzzzzz'),
      from: almost('beginning', 'now', '2026-01-31T12:00:00Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00+23:59'),
      limit: almost('1', '1000', '007', '1e3'),
      wait: almost('0', '61', '٣'),
      types: almost('v1.NotificationClicked', 'v1.NotificationClicked,v1.NotificationClicked', ','),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(query, async (fields) => {
      const text = new URLSearchParams(fields as Record<string, string>).toString();
      expect(await flawOfAnswer({ method: 'GET', path: `/events/v1/instances/${instance}/events?${text}` })).toBeNull();
    }),
    { numRuns: 300 },
  );
});

test('any headers are answered', async () => {
  const value = fc.string({ maxLength: 60 }).map((text) => text.trim());
  const headers = fc.record(
    {
      authorization: fc.oneof(
        value,
        value.map((text) => `Bearer ${text}`),
      ),
      'content-type': value,
      origin: value,
      'x-pusher-library': value,
    },
    { requiredKeys: [] },
  );
  const targets = fc.constantFrom(...Object.values(routes), { method: 'PUT', path: `${device}/user`, body: undefined });
  await fc.assert(
    fc.asyncProperty(headers, targets, async (given, { method, path, body }) => {
      const request = { method, path, headers: given, body: body ? JSON.stringify(body) : null };
      expect(await flawOfAnswer(request)).toBeNull();
    }),
    { numRuns: 300 },
  );
});

test('any user id survives encodeURIComponent in a path', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('pusher-push-notifications-node 1', undefined),
      (id, library) => {
        expect(userIdInPath(`/user_api/v1/instances/${instance}/users/${encodeURIComponent(id)}`, library)).toBe(id);
      },
    ),
  );
});

test('web tokens: what btoa made is read back, anything else is null or a subscription', () => {
  fc.assert(fc.property(fc.string(), (text) => void decodeWebToken(text)));
  fc.assert(fc.property(fc.json(), (text) => void decodeWebToken(Buffer.from(text, 'latin1').toString('base64'))));
  fc.assert(
    fc.property(
      fc.webUrl({ validSchemes: ['https'] }),
      fc.uint8Array({ minLength: 65, maxLength: 65 }),
      (endpoint, key) => {
        const keys = { p256dh: Buffer.from(key).toString('base64url'), auth: 'AAAA' };
        const decoded = decodeWebToken(btoa(JSON.stringify({ endpoint, expirationTime: null, keys })));
        expect(decoded).toEqual({ endpoint, p256dh: Buffer.from(key), auth: Buffer.alloc(3) });
      },
    ),
  );
});

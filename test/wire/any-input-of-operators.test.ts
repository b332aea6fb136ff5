import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdminWorld } from './admin-world.ts';
import { adminToken, events, openAdminWorld, unknownId } from './admin-world.ts';
import { nearly } from './nearly.ts';
import type { RawRequest, Send } from './send.ts';
import { overSocket } from './send.ts';

let world: AdminWorld;
let send: Send;
let instance: string;
let webhook: string;

beforeAll(async () => {
  world = await openAdminWorld();
  send = await overSocket(world.app);
  instance = `/instances/${(await world.created('/instances', { name: 'any' })).id}`;
  webhook = `${instance}/webhooks/${(await world.created(`${instance}/webhooks`, newWebhook)).id}`;
});
afterAll(() => world.close());

const newWebhook = { url: 'https://shop.example/hook', events };
/** Its own, and that of paths which belong to no wire. */
const refusal = /^\{"error":(?:\{"code":"[a-z-]+","message":"(?:[^"\\]|\\.)+"\}\}$|"[^"]+","description":)/;
const json = { 'content-type': 'application/json' };

/** Whatever comes in, the answer is JSON: what was asked for, or a refusal that says why. Null when it is, else what is wrong. */
async function flawOfAnswer(request: Pick<RawRequest, 'method' | 'path'> & Partial<RawRequest>) {
  const headers = { authorization: `Bearer ${adminToken}`, ...request.headers };
  const path = `/admin/v1${request.path}`;
  const { status, body } = await send({ body: null, ...request, path, headers });
  if (status >= 200 && status <= 204) return null;
  return status >= 400 && status < 500 && refusal.test(body) ? null : `${status} ${body}`;
}

const options = {
  signing: 'standard',
  maxInFlight: 2,
  filter: { interests: ['\0', '\ud800'], userPrefix: 'a\0' },
  batch: { maxEvents: 2, maxWaitMs: 1 },
};
const fields = {
  ...newWebhook,
  secret: 'a'.repeat(32),
  customData: { ['__proto__']: 1, '\0': '\0' },
  headers: { a: 'b' },
};
const bodies = {
  'an instance': { method: 'POST', path: () => '/instances', body: { name: 'a\0', secretKey: 'k'.repeat(32) } },
  'changes of an instance': {
    method: 'PATCH',
    path: () => instance,
    body: { name: '\ud800', allowedOrigins: ['https://a.example', '\0'], feed: true },
  },
  'a secret key': { method: 'POST', path: () => `${instance}/secret-key`, body: { overlapSeconds: 0 } },
  'a webhook': { method: 'POST', path: () => `${instance}/webhooks`, body: { ...fields, options, format: 'beams' } },
  'changes of a webhook': { method: 'PATCH', path: () => webhook, body: { ...fields, options, disabled: false } },
  'a secret': { method: 'POST', path: () => `${webhook}/rotate-secret`, body: { overlapSeconds: 0 } },
  'a replay': {
    method: 'POST',
    path: () => `${instance}/replays`,
    body: { webhookId: null, states: ['held'], since: '2026-01-01T00:00:00Z', maxPerSecond: 1, eventType: 'STARTED' },
  },
  'a catch-up': { method: 'POST', path: () => `${webhook}/catch-up`, body: { enable: true, maxPerSecond: 0.5 } },
  'a key of Google': {
    method: 'PUT',
    path: () => `${instance}/credentials/fcm`,
    body: { serviceAccount: { type: 'service_account', project_id: 'a-shop', client_email: 'a@b', private_key: 'x' } },
  },
  'a key of Apple': {
    method: 'PUT',
    path: () => `${instance}/credentials/apns`,
    body: { environment: 'sandbox', p12: { file: 'AAAA', passphrase: '' } },
  },
};

test.each(Object.entries(bodies))('%s may be anything', async (_which, { method, path, body }) => {
  const any = fc.oneof(nearly(body), fc.json(), fc.string({ unit: 'binary' }));
  await fc.assert(
    fc.asyncProperty(any, async (text) => {
      expect(await flawOfAnswer({ method, path: path(), headers: json, body: text })).toBeNull();
    }),
    { numRuns: 50, examples: [[JSON.stringify(body)]] },
  );
});

test('any path and query is answered', async () => {
  const rest = fc.string({
    unit: fc.oneof(
      fc.constantFrom('%', '%25', '%C3%A9', '%00', '/', '?', '&', '=', '..', 'user=', 'state=', 'status=', unknownId),
      fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
    ),
  });
  const prefixes = [
    '/',
    '/instances/',
    '/webhooks/',
    '/messages/',
    '/messages?',
    '/publishes/',
    '/replays/',
    '/credentials/',
  ];
  const methods = fc.constantFrom('GET', 'DELETE', 'POST', 'PUT', 'PATCH');
  await fc.assert(
    fc.asyncProperty(methods, fc.constantFrom(...prefixes), fc.boolean(), rest, async (method, prefix, below, tail) => {
      const path = `${below ? instance : ''}${prefix}${tail}`;
      expect(await flawOfAnswer({ method, path })).toBeNull();
    }),
    { numRuns: 400 },
  );
});

test('a search for any value is answered', async () => {
  const paths = ['/messages', '/publishes', '/replays', '/ignored-reports', '/webhooks'].map((path) => instance + path);
  const names = [
    ...['user', 'webhookId', 'publishId', 'eventType', 'eventId', 'state', 'status', 'since', 'until'],
    ...['before', 'after', 'cursor', 'from', 'to', 'limit', 'wait', 'types'],
  ];
  const values = [
    ...[
      '%00',
      'a%00b',
      '%ED%A0%80',
      '%F0%9F%98%80',
      '',
      '-1',
      '0',
      '1e99',
      '9'.repeat(30),
      unknownId,
      `pubid-${unknownId}`,
    ],
    ...['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '-271821-04-20T00:00:00Z'],
  ];
  const queries = names.flatMap((name) => values.map((value) => `${name}=${value}`));
  for (const path of paths) {
    const flaws = await Promise.all(queries.map((query) => flawOfAnswer({ method: 'GET', path: `${path}?${query}` })));
    expect(queries.flatMap((query, index) => (flaws[index] === null ? [] : [query, flaws[index]]))).toEqual([]);
  }
});

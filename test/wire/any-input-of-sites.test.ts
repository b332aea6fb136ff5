import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/core/ports/store.ts';
import { storage } from '../support/storage.ts';
import { openTestStore } from '../support/test-store.ts';
import type { World } from './beams-world.ts';
import { encodeSubscription, openWorld } from './beams-world.ts';
import { nearly } from './nearly.ts';
import type { RawRequest, Send } from './send.ts';
import { overSocket } from './send.ts';

const folder = mkdtempSync(join(tmpdir(), 'pharos-any-input-'));
let store: Store;
let world: World;
let send: Send;
/** Null: nobody sees from outside what one transaction has changed in PostgreSQL, so there only answers are judged. */
let observer: DatabaseSync | null;
let device: string;

beforeAll(async () => {
  const file = join(folder, 'pharos.db');
  store = await openTestStore(file);
  world = await openWorld(store);
  send = await overSocket(world.app);
  observer = storage === 'sqlite' ? new DatabaseSync(file, { readOnly: true }) : null;
  const registered = await send({
    method: 'POST',
    path: `/device_api/v1/instances/${instance}/devices/web`,
    headers: json,
    body: JSON.stringify({ token: encodeSubscription('ann') }),
  });
  device = (JSON.parse(registered.body) as { id: string }).id;
});
afterAll(async () => {
  observer?.close();
  await world?.app.close();
  await store?.close();
  rmSync(folder, { recursive: true });
});

const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const pageApi = `/page_api/v1/instances/${instance}`;
const json = { 'content-type': 'application/json' };

/** Changes with every commit of another connection. */
const commits = (): unknown => Object.values(observer?.prepare('PRAGMA data_version').get() ?? {})[0];

/** Of the wire that a path belongs to; what belongs to none is answered as on the Beams wire. */
const refusals = {
  beams: /^\{"error":"[^"]+","description":"(?:[^"\\]|\\.)+"\}\n$/,
  oneSignal: /^\{"errors":\["(?:[^"\\]|\\.)+"\]\}$/,
};

/** Whatever comes in, the answer is 200, or a refusal that every client can read and that writes nothing. Null when it is. */
async function flawOfAnswer(
  wires: readonly (keyof typeof refusals)[],
  request: Pick<RawRequest, 'method' | 'path'> & Partial<RawRequest>,
): Promise<string | null> {
  const before = commits();
  const headers = { authorization: `Key ${world.values['secretKey']}`, ...request.headers };
  const { status, body } = await send({ ...request, headers, body: request.body ?? null });
  const failure = world.logged.find((line) => line.startsWith('http.'));
  if (failure !== undefined || status >= 500) return `${status} ${failure}`;
  if (status === 200 && request.method !== 'GET') return null;
  if (status !== 200 && !wires.some((wire) => refusals[wire].test(body))) return `${status} ${body}`;
  return commits() === before ? null : `${status}, but something was written`;
}

test('what is written is noticed', async () => {
  const before = commits();
  const muted = { method: 'PUT', path: `${pageApi}/devices/${device}/muted`, headers: json, body: '{"muted":false}' };
  expect((await send(muted)).status).toBe(200);
  expect(commits() !== before).toBe(observer !== null);
});

const text = fc.string({ unit: 'binary' });
const condition = { field: 'tag', key: 'level', relation: '>', value: 4 };
const valid = {
  app_id: instance,
  contents: { en: 'Text', de: '\ud800' },
  headings: { en: 'Title' },
  url: 'https://site.example/',
  data: { order: 7 },
  web_buttons: [{ id: 'like', text: 'Like', url: 'https://site.example/' }],
  web_push_topic: 'topic',
  ttl: 60,
  priority: 10,
  send_after: '2100-01-01T00:00:00Z',
  idempotency_key: '01930000-0000-4000-8000-000000000000',
  include_player_ids: ['11111111-1111-4111-8111-111111111111'],
};
const targets = {
  included_segments: ['All'],
  include_aliases: { external_id: ['ann', '\ud800'], onesignal_id: ['x'] },
  target_channel: 'push',
  include_external_user_ids: ['ann'],
  filters: [condition, { operator: 'OR' }, { ...condition, relation: 'exists' }],
  isChromeWeb: true,
  isIos: true,
};
/** Filters whose texts and values are anything. */
const filters = fc
  .array(
    fc.oneof(
      fc.record({
        field: fc.constant('tag'),
        key: text,
        relation: fc.constantFrom('=', '!=', '>', '<', 'exists', 'not_exists'),
        value: fc.oneof(text, fc.double(), fc.boolean()),
      }),
      fc.constantFrom({ operator: 'OR' }, { operator: 'AND' }),
    ),
    { maxLength: 6 },
  )
  .map((list) => JSON.stringify({ app_id: instance, contents: { en: 'Text' }, filters: list }));

test.each([
  ['nearly right', nearly(valid)],
  ['for other targets', nearly({ app_id: instance, contents: valid.contents, ...targets })],
  ['with any filters', filters],
  ['no JSON object', fc.oneof(fc.json(), text)],
])('a notification that is %s is answered', async (_which, bodies) => {
  await fc.assert(
    fc.asyncProperty(bodies, fc.constantFrom('/notifications', '/api/v1/notifications'), async (body, path) => {
      expect(await flawOfAnswer(['oneSignal'], { method: 'POST', path, headers: json, body })).toBeNull();
    }),
    { numRuns: 100 },
  );
});

/** Paths as raw bytes allow them: any printable ASCII, with a taste for percent signs. */
const rawPath = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '%',
      '%25',
      '%C3%A9',
      '%00',
      '/',
      '+',
      ';',
      '?',
      '&',
      '=',
      '%2F',
      '..',
      'limit=',
      'offset=',
      'kind=',
    ),
    fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  ),
});

test('any path and query below /notifications is answered', async () => {
  const methods = fc.constantFrom('GET', 'DELETE');
  const prefixes = fc.constantFrom(
    `/notifications?app_id=${instance}&`,
    '/notifications?',
    '/api/v1/notifications/',
    `/notifications/01930000-0000-7000-8000-000000000000?app_id=${instance}&`,
  );
  await fc.assert(
    fc.asyncProperty(methods, prefixes, rawPath, async (method, prefix, rest) => {
      expect(await flawOfAnswer(['oneSignal', 'beams'], { method, path: prefix + rest })).toBeNull();
    }),
    { numRuns: 300 },
  );
});

const calls = {
  subscription: { method: 'PUT', path: '/subscription', body: { token: encodeSubscription('any') } },
  muted: { method: 'PUT', path: '/muted', body: { muted: true } },
  alias: { method: 'PUT', path: '/alias', body: { externalId: 'ann' } },
  tags: {
    method: 'PATCH',
    path: '/tags',
    body: { tags: { level: 5, gone: null, ['\ud800']: 'x', ['__proto__']: '' } },
  },
};

test.each(Object.entries(calls))('the page may say anything of its %s', async (_name, { method, path, body }) => {
  const bodies = fc.oneof(nearly(body), fc.json(), text);
  const devices = fc.oneof(
    fc.constant(null),
    fc.constantFrom('web-11111111-1111-4111-8111-111111111111', 'ios-x', '%00'),
  );
  await fc.assert(
    fc.asyncProperty(bodies, devices, async (content, other) => {
      const call = { method, path: `${pageApi}/devices/${other ?? device}${path}`, headers: json, body: content };
      expect(await flawOfAnswer(['beams'], call)).toBeNull();
    }),
    { numRuns: 100 },
  );
});

test('tags of any texts are kept, or refused as a whole', async () => {
  const tags = fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null)), { maxKeys: 5 });
  await fc.assert(
    fc.asyncProperty(tags, async (given) => {
      const call = { method: 'PATCH', path: `${pageApi}/devices/${device}/tags`, headers: json };
      expect(await flawOfAnswer(['beams'], { ...call, body: JSON.stringify({ tags: given }) })).toBeNull();
    }),
    { numRuns: 100 },
  );
});

test('a report of anything is answered', async () => {
  const report = {
    event: 'clicked',
    publishId: 'pubid-01930000-0000-7000-8000-000000000000',
    deviceId: 'web-11111111-1111-4111-8111-111111111111',
    timestampSecs: 1,
    action: '\ud800',
    url: 'https://site.example/',
  };
  await fc.assert(
    fc.asyncProperty(fc.oneof(nearly(report), fc.json(), text), async (body) => {
      const call = { method: 'POST', path: `${pageApi}/reports`, headers: json, body };
      expect(await flawOfAnswer(['beams'], call)).toBeNull();
    }),
    { numRuns: 100 },
  );
});

test('any path of the page API is answered', async () => {
  const methods = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
  const prefixes = fc.constantFrom('/page_api/v1/instances/', `${pageApi}/`, `${pageApi}/devices/`);
  await fc.assert(
    fc.asyncProperty(methods, prefixes, rawPath, async (method, prefix, rest) => {
      expect(await flawOfAnswer(['beams'], { method, path: prefix + rest })).toBeNull();
    }),
    { numRuns: 300 },
  );
});

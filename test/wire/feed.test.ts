import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import type { DeviceKey } from '../../src/core/ports/device-store.ts';
import type { PublishKey } from '../../src/core/ports/publish-store.ts';
import type { ReportKind } from '../../src/core/ports/report-store.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import { accept, anInstance, aReport, fanOut, register, toUsers } from '../../src/storage/testsuite/fixtures.ts';
import { waitFor } from '../support/wait-for.ts';
import { openWorld, type World } from './beams-world.ts';

const instanceId = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const path = `/events/v1/instances/${instanceId}/events`;
const body = { content: { web: { timeToLiveSeconds: 60, notification: {}, data: {} } } };

interface Feed {
  readonly store: Store;
  readonly world: World;
  readonly publish: PublishKey;
  readonly device: DeviceKey;
  /** Through the store: nobody is woken. */
  readonly record: (kind: ReportKind) => Promise<unknown>;
  readonly get: (query?: string) => Promise<{ status: number; body: Page & { description: string } }>;
}

interface Page {
  readonly events: readonly { readonly metadata: { readonly event_type: string }; readonly payload: object }[];
  readonly cursor: string;
  readonly truncated: boolean;
}

async function open({ feed = true } = {}): Promise<Feed> {
  const store = await openTestStore();
  onTestFinished(() => store.close());
  await runOne(store.createInstances, anInstance({ id: instanceId, feed }));
  const world = await openWorld(store);
  onTestFinished(() => world.app.close());
  const device = await register(store, instanceId, { user: 'anna' });
  const publish = await accept(store, instanceId, toUsers('anna'), { body });
  return {
    ...{ store, world, publish, device },
    record: (kind) => runOne(store.recordReports, aReport(publish, device, { kind })),
    async get(query = '') {
      const headers = { authorization: `Bearer ${world.values['secretKey']}` };
      const answer = await world.app.inject({ url: path + query, headers });
      return { status: answer.statusCode, body: answer.json<Page & { description: string }>() };
    },
  };
}

const typesOf = (page: Page): string[] => page.events.map(({ metadata }) => metadata.event_type);

test('gives Beams envelopes, and a cursor to go on with', async () => {
  const { store, publish, device, record, get } = await open();
  await fanOut(store, publish);
  await record('delivery');
  await record('displayed');
  const about = { instance_id: instanceId, publish_id: `pubid-${publish.publishId}` };
  const metadata = (type: string) => ({
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/),
    event_type: type,
    event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    product: 'beams',
  });
  const first = await get();
  const users = { users_delivered_to_gateway: ['anna'], users_no_devices: [], users_gateway_failed: [] };
  const attempt = { payload: { ...about, ...users }, metadata: metadata('v1.PublishToUsersAttempt'), custom_data: {} };
  const displayed = {
    payload: { ...about, device_id: `web-${device.deviceId}`, user_id: 'anna' },
    metadata: metadata('v1.NotificationDisplayed'),
    custom_data: {},
  };
  const acknowledgement = {
    payload: { ...about, user_id: 'anna' },
    metadata: metadata('v1.UserNotificationAcknowledgement'),
    custom_data: {},
  };
  expect(first).toEqual({
    status: 200,
    body: { events: [attempt, acknowledgement, displayed], cursor: expect.any(String), truncated: false },
  });
  await record('clicked');
  const second = await get(`?after=${first.body.cursor}`);
  expect(typesOf(second.body)).toEqual(['v1.NotificationClicked']);
  expect((await get('?limit=2')).body.events).toEqual([attempt, acknowledgement]);
  const chosen = await get('?types=v1.NotificationClicked,v1.NotificationDisplayed&limit=1');
  expect(chosen.body.events).toEqual([displayed]);
  expect(typesOf((await get(`?after=${chosen.body.cursor}`)).body)).toEqual(['v1.NotificationClicked']);
  expect(await get('?from=now')).toEqual({ status: 200, body: { ...second.body, events: [] } });
  expect((await get(`?from=${new Date(Date.now() + 60_000).toISOString()}`)).body.events).toEqual([]);
  expect((await get('?from=2026-01-01T00:00:00%2B01:00')).body.truncated).toBe(true);
});

test.each([
  ['?after=A%20b', '`after`: '],
  ['?after=1&from=now', '`after` and `from`: '],
  ['?after=1&after=2', '`after`: '],
  ['?from=yesterday', '`from`: '],
  ['?limit=0', '`limit`: '],
  ['?limit=1001', '`limit`: '],
  ['?limit=1e2', '`limit`: '],
  ['?wait=61', '`wait`: '],
  ['?wait=-1', '`wait`: '],
  ['?types=', '`types'],
  ['?types=v1.Nothing', '`types'],
  ['?cursor=1', 'there is no cursor'],
])('%s is refused', async (query, description) => {
  const { get } = await open();
  const refused = await get(query);
  expect(refused.status).toBe(400);
  expect(refused.body.description.startsWith(description)).toBe(true);
});

test('is for those who have the secret key, and on for those who asked for it', async () => {
  const { world, get } = await open({ feed: false });
  expect((await get()).status).toBe(409);
  const withKey = async (authorization: string) =>
    (await world.app.inject({ url: path, headers: { authorization } })).statusCode;
  expect(await withKey('Bearer wrong')).toBe(401);
  expect(await withKey('')).toBe(400);
  const unknown = path.replace(instanceId, world.values['unknownInstance'] ?? '');
  expect((await world.app.inject({ url: unknown })).statusCode).toBe(404);
});

test('a reader that waits is answered when a report is committed, and only with the types that it wants', async () => {
  const { store, world, publish, device, record, get } = await open();
  const waiting = get('?wait=60&types=v1.NotificationClicked');
  await record('displayed');
  const report = (event: string) =>
    world.app.inject({
      method: 'POST',
      url: `/page_api/v1/instances/${instanceId}/reports`,
      payload: {
        event,
        publishId: `pubid-${publish.publishId}`,
        deviceId: `web-${device.deviceId}`,
        timestampSecs: 1,
      },
    });
  await report('dismissed');
  await report('clicked');
  expect(typesOf((await waiting).body)).toEqual(['v1.NotificationClicked']);
  // What no request tells it of is found as well.
  const { cursor } = (await get('?from=now')).body;
  const next = get(`?wait=60&after=${cursor}`);
  await fanOut(store, publish);
  expect(typesOf((await next).body)).toEqual(['v1.PublishToUsersAttempt']);
  expect((await get('?wait=1&from=now')).body.events).toEqual([]);
});

test('an erased user is in no answer, and a deleted publish holds up nobody', async () => {
  const { store, publish, record, get } = await open();
  await record('delivery');
  await record('displayed');
  await fanOut(store, publish);
  await runOne(store.eraseUsers, { instanceId, user: 'anna' });
  const { body: page } = await get();
  expect(page.events).toMatchObject([{ payload: { users_delivered_to_gateway: [] } }]);
  const gone = await openWorld({ ...store, summarizePublish: async () => null });
  onTestFinished(() => gone.app.close());
  const headers = { authorization: `Bearer ${gone.values['secretKey']}` };
  const answer = await gone.app.inject({ url: path, headers });
  expect(answer.json()).toEqual({ events: [], cursor: page.cursor, truncated: true });
});

test('more than sixteen readers at once are refused; who hangs up makes room', async () => {
  const { world, get, record } = await open();
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = world.app.server.address() as AddressInfo;
  const headers = { authorization: `Bearer ${world.values['secretKey']}` };
  /** Asks again when refused: the test that looks whether there is room takes it for a moment. */
  const ask = async (signal?: AbortSignal): Promise<number> => {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}?wait=60`, { headers, signal: signal ?? null });
      await answer.arrayBuffer();
      if (answer.status !== 503) return answer.status;
      await delay(20);
    }
  };
  const hangingUp = new AbortController();
  const hungUp = ask(hangingUp.signal).catch(() => 'hung up');
  const waiting = Array.from({ length: 15 }, () => ask());
  const isFull = async (): Promise<boolean> => (await get()).status === 503;
  await waitFor('sixteen readers', isFull);
  const refused = await world.app.inject({ url: path, headers });
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5']);
  hangingUp.abort();
  expect(await hungUp).toBe('hung up');
  await waitFor('room for one', async () => !(await isFull()));
  await record('displayed');
  expect(await Promise.all(waiting)).toEqual(Array(15).fill(200));
}, 60_000);

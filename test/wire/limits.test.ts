import { createHmac } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { runOne, StoreUnavailable } from '../../src/core/ports/command.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { beamsErrors } from '../../src/wire/beams/beams-errors.ts';
import { InFlight } from '../../src/wire/http/in-flight.ts';
import { RateLimiter } from '../../src/wire/http/rate-limiter.ts';
import { openTestStore } from '../support/test-store.ts';
import type { BeamsDeps } from '../../src/wire/beams/beams-routes.ts';
import { encodeSubscription, openWorld, unlimited, type World } from './beams-world.ts';

const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const guarded = '2f4cf5ad-25ba-4a4c-8c3a-6b6b4c1f0e22';
const stopped = (burst: number) => new RateLimiter({ perSecond: 0.001, burst, maxKeys: 100 });

async function open(change: Partial<BeamsDeps>): Promise<{ store: Store; world: World }> {
  const store = await openTestStore();
  onTestFinished(() => store.close());
  const world = await openWorld(store, change);
  onTestFinished(() => world.app.close());
  return { store, world };
}

const publish = (world: World, id = instance, key = world.values['secretKey']) =>
  world.app.inject({
    method: 'POST',
    url: `/publish_api/v1/instances/${id}/publishes/interests`,
    headers: { authorization: `Bearer ${key}` },
    payload: { interests: ['a'], web: {} },
  });
const register = (world: World, name: string, headers = {}) =>
  world.app.inject({
    method: 'POST',
    url: `/device_api/v1/instances/${instance}/devices/web`,
    headers,
    payload: { token: encodeSubscription(name) },
  });
const report = (world: World, change = {}) =>
  world.app.inject({
    method: 'POST',
    url: `/reporting_api/v2/instances/${instance}/events`,
    payload: {
      event: 'delivery',
      publishId: 'pubid-01930000-0000-7000-8000-000000000000',
      deviceId: 'web-11111111-1111-4111-8111-111111111111',
      timestampSecs: 1,
      ...change,
    },
  });

test('publishes are limited by instance, and only those that have the key', async () => {
  const { world } = await open({ limits: { publishes: stopped(2), devices: unlimited, reports: unlimited } });
  for (let wrong = 0; wrong < 5; wrong++) expect((await publish(world, instance, 'wrong')).statusCode).toBe(401);
  expect((await publish(world)).statusCode).toBe(200);
  expect((await publish(world)).statusCode).toBe(200);
  const limited = await publish(world);
  expect(limited.statusCode).toBe(429);
  expect(limited.headers['retry-after']).toBe('1000');
  expect(limited.headers['content-type']).toBe('application/json');
  expect(limited.body).toBe(
    '{"error":"Rate Limited","description":"Too many requests: please send them again after the time in Retry-After"}\n',
  );
  expect((await publish(world, guarded)).statusCode).toBe(200);
  expect((await report(world)).statusCode).toBe(200);
});

test('device calls are limited by client address, and pages can read the refusal', async () => {
  const { world } = await open({ limits: { publishes: unlimited, devices: stopped(1), reports: unlimited } });
  const from = (remoteAddress: string) =>
    world.app.inject({ url: `/device_api/v1/instances/${guarded}/web-vapid-public-key`, remoteAddress });
  expect((await from('203.0.113.1')).statusCode).toBe(200);
  const limited = await from('203.0.113.1');
  expect(limited.statusCode).toBe(429);
  expect(limited.headers).toMatchObject({ 'retry-after': '1000', 'access-control-allow-origin': '*' });
  expect((await from('203.0.113.2')).statusCode).toBe(200);
  expect((await from('2001:db8:0:1::1')).statusCode).toBe(200);
  expect((await from('2001:db8:0:1:ffff::2')).statusCode).toBe(429);
  expect((await from('2001:db8:0:2::1')).statusCode).toBe(200);
  // Nobody but a trusted proxy says who the client is.
  const spoofed = await register(world, 'a', { 'x-forwarded-for': '203.0.113.77' });
  expect(spoofed.statusCode).toBe(200);
  expect((await register(world, 'b', { 'x-forwarded-for': '203.0.113.78' })).statusCode).toBe(429);
});

test('a set of many interests costs as much as many requests', async () => {
  const { world } = await open({ limits: { publishes: unlimited, devices: stopped(110), reports: unlimited } });
  const set = (count: number) =>
    world.app.inject({
      method: 'PUT',
      url: `/device_api/v1/instances/${instance}/devices/web/web-11111111-1111-4111-8111-111111111111/interests`,
      payload: { interests: Array.from({ length: count }, (_, index) => `interest-${index}`) },
    });
  for (let times = 0; times < 5; times++) expect((await set(49)).statusCode).toBe(404);
  expect((await set(5_000)).statusCode).toBe(404);
  expect((await set(250)).statusCode).toBe(404);
  const limited = await set(1);
  expect(limited.statusCode).toBe(429);
  expect(limited.headers['access-control-allow-origin']).toBe('*');
});

test('too many reports are 503 with Retry-After, never 404 or 429', async () => {
  const { world } = await open({ limits: { publishes: unlimited, devices: unlimited, reports: stopped(1) } });
  expect((await report(world)).statusCode).toBe(200);
  const shed = await report(world);
  expect(shed.statusCode).toBe(503);
  expect(shed.headers).toMatchObject({ 'retry-after': '1000', 'access-control-allow-origin': '*' });
  expect(shed.json()).toMatchObject({ error: 'Service Unavailable' });
});

test('a store that cannot take a report is 503, whatever the report', async () => {
  const full = async (): Promise<never> => {
    throw new StoreUnavailable('the queue of the store is full');
  };
  const store = await openTestStore();
  onTestFinished(() => store.close());
  const world = await openWorld({ ...store, recordReports: full, countIgnoredReports: full });
  onTestFinished(() => world.app.close());
  for (const change of [{}, { deviceId: 'nonsense' }, { publishId: 'nonsense' }]) {
    const answer = await report(world, change);
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
  }
});

test.each([
  ['requests', { maxRequests: 0, maxBodyBytes: 1_000 }],
  ['bytes', { maxRequests: 10, maxBodyBytes: 1 }],
])('too many %s in flight are 503, in the words of each API', async (_, limits) => {
  const store = await openTestStore();
  onTestFinished(() => store.close());
  const world = await openWorld(store, {}, { inFlight: new InFlight(limits) });
  onTestFinished(() => world.app.close());
  const words = 'The server cannot take requests at the moment, please try again';
  const notify = () =>
    world.app.inject({ method: 'POST', url: '/api/v1/notifications', payload: { app_id: instance } });
  for (const [answer, body] of [
    [await publish(world), { error: 'Service Unavailable', description: words }],
    [await report(world), { error: 'Service Unavailable', description: words }],
    [await notify(), { errors: [words] }],
  ] as const) {
    expect([answer.statusCode, answer.headers['retry-after'], answer.json()]).toEqual([503, '2', body]);
  }
  expect(world.logged.map((line) => line.split(' ')[0])).toEqual(Array<string>(3).fill('http.unavailable'));
});

test('reports that belong to nothing are answered 200, counted and logged', async () => {
  const { store, world } = await open({});
  for (const change of [{}, { publishId: 'nonsense' }, { deviceId: null }, { deviceId: 'nonsense' }]) {
    expect((await report(world, change)).statusCode).toBe(change.deviceId === null ? 400 : 200);
  }
  const counted = (await store.listIgnoredReports(instance, 2)).map(({ reason, count }) => `${reason} ${count}`);
  expect(counted).toEqual(['unknown-device 1', 'unknown-publish 2']);
  expect(world.logged.filter((line) => line.startsWith('report.ignored'))).toHaveLength(3);
  expect((await store.listMessages({ instanceId: instance, limit: 10 })).messages).toEqual([]);
});

test('an instance that has its most devices registers only those it knows', async () => {
  const { world } = await open({ maxDevices: 1 });
  expect((await register(world, 'one')).statusCode).toBe(200);
  expect((await register(world, 'one')).statusCode).toBe(200);
  const refused = await register(world, 'two');
  expect(refused.statusCode).toBe(422);
  // Swift stops at exactly these words.
  expect(refused.json()).toMatchObject({ description: 'Device could not be created' });
  expect(world.logged.join('\n')).toMatch(/device\.refused .*PHAROS_MAX_DEVICES_PER_INSTANCE/);
});

test("a user's 101st device: statuses at which each SDK stops", async () => {
  const { store, world } = await open({});
  const platforms = { apns: 400, fcm: 422 } as const;

  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { sub: 'alice', iss: `https://${instance}.pushnotifications.pusher.com`, exp: 4_102_444_800 };
  const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  const signature = createHmac('sha256', world.values['secretKey'] ?? '').update(signed);
  const authorization = `Bearer ${signed}.${signature.digest('base64url')}`;
  for (const [platform, status] of Object.entries(platforms) as ['apns' | 'fcm', number][]) {
    for (let index = 0; index < 101; index++) {
      const deviceId = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
      const key = { instanceId: instance, platform, deviceId };
      await runOne(store.registerDevices, {
        ...key,
        address: String(index),
        keys: new Uint8Array(0),
        metadata: '{}',
      });
      const url = `/device_api/v1/instances/${instance}/devices/${platform}/${platform}-${deviceId}/user`;
      const answer = await world.app.inject({ method: 'PUT', url, headers: { authorization } });
      expect(answer.statusCode).toBe(index < 100 ? 200 : status);
    }
  }
});

test('only the refusal of a phone token has the words that make Swift doubt its token', () => {
  const doubting = Object.entries(beamsErrors).filter(
    ([, { status, description }]) => (status === 401 || status === 403) && description.includes('device token'),
  );
  expect(doubting.map(([code]) => code)).toEqual(['apns-token-unusable']);
  const restarting = Object.entries(beamsErrors).filter(([, { title }]) => title === 'InvalidToken');
  expect(restarting.map(([code]) => code)).toEqual(['fcm-token-unusable']);
});

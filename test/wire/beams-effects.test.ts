import { createHmac, randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/core/ports/store.ts';
import { runOne, StoreUnavailable } from '../../src/core/ports/command.ts';
import { openPublishBody } from '../../src/core/publish/publish-body.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';
import { openTestStore } from '../support/test-store.ts';
import { encodeSubscription, openWorld, type World } from './beams-world.ts';

async function open(): Promise<{ store: Store; world: World }> {
  const store = await openTestStore();
  onTestFinished(() => store.close());
  const world = await openWorld(store);
  onTestFinished(() => world.app.close());
  return { store, world };
}

const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';

const publish = (world: World, path: string, body: object) =>
  world.app.inject({
    method: 'POST',
    url: `/publish_api/v1/instances/${instance}/publishes/${path}`,
    headers: { authorization: `Bearer ${world.values['secretKey']}` },
    payload: body,
  });

test('a publish is stored once its id is answered, and wakes the fan-out', async () => {
  const { store, world } = await open();
  const device = { instanceId: instance, platform: 'web', deviceId: randomUUID() } as const;
  await runOne(store.registerDevices, { ...device, address: 'a', keys: new Uint8Array(), metadata: '{}' });
  await runOne(store.replaceInterests, { ...device, interests: ['a'] });
  const body = {
    interests: ['b', 'a', 'b'],
    web: { notification: { title: 'Hi' } },
    webhookUrl: 'https://u:p@a.example/x',
  };
  const { publishId } = (await publish(world, 'interests', body)).json<{ publishId: string }>();
  expect(world.woken).toEqual({ publishes: 1, messages: 1 });
  const key = { instanceId: instance, publishId: publishId.slice('pubid-'.length) };
  const summary = await store.summarizePublish(key);
  expect(summary).toMatchObject({ targetKind: 'interests', platforms: ['web'] });
  expect(openPublishBody(testSealer, key, summary?.body ?? new Uint8Array())).toEqual({
    content: { web: { timeToLiveSeconds: 2_419_200, notification: { title: 'Hi' }, data: {} } },
    webhook: { url: 'https://u:p@a.example/x', requestBody: body },
  });
  expect(world.logged.join('\n')).not.toMatch(/Hi|u:p@/);
});

test('a user named twice is one user', async () => {
  const { store, world } = await open();
  const { publishId } = (await publish(world, 'users', { users: ['a', 'b', 'a'], web: {} })).json<{
    publishId: string;
  }>();
  const summary = await store.summarizePublish({ instanceId: instance, publishId: publishId.slice('pubid-'.length) });
  expect(summary?.targetKind).toBe('users');
});

test('a store that cannot take work: 503 with Retry-After that pages can read', async () => {
  const { store } = await open();
  const full = async (): Promise<never> => {
    throw new StoreUnavailable('full');
  };
  const world = await openWorld({ ...store, registerDevices: full, acceptPublishes: full, recordReports: full });
  onTestFinished(() => world.app.close());
  const registration = await world.app.inject({
    method: 'POST',
    url: `/device_api/v1/instances/${instance}/devices/web`,
    payload: { token: encodeSubscription('x') },
  });
  const published = await publish(world, 'interests', { interests: ['a'], web: {} });
  for (const answer of [registration, published]) {
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.json()).toEqual({ error: 'Service Unavailable', description: expect.stringMatching(/./) });
  }
  expect(registration.headers['access-control-allow-origin']).toBe('*');
  expect(world.woken.publishes).toBe(0);
});

test("a user's 101st device on a platform", async () => {
  const { world } = await open();
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { sub: 'alice', iss: `https://${instance}.pushnotifications.pusher.com`, exp: 4_102_444_800 };
  const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  const signature = createHmac('sha256', world.values['secretKey'] ?? '')
    .update(signed)
    .digest('base64url');
  const devices = `/device_api/v1/instances/${instance}/devices/web`;
  const register = async (name: string) => {
    const payload = { token: encodeSubscription(name) };
    const { id } = (await world.app.inject({ method: 'POST', url: devices, payload })).json<{ id: string }>();
    const headers = { authorization: `Bearer ${signed}.${signature}` };
    return { id, answer: await world.app.inject({ method: 'PUT', url: `${devices}/${id}/user`, headers }) };
  };
  const first = await register('0');
  for (let count = 1; count < 100; count++) expect((await register(String(count))).answer.statusCode).toBe(200);
  const oneMore = await register('100');
  expect(oneMore.answer.statusCode).toBe(422);
  expect(oneMore.answer.body).toBe(
    '{"error":"Unprocessable Entity","description":"A user can have at most 100 devices on a platform"}\n',
  );
  await world.app.inject({ method: 'DELETE', url: `${devices}/${first.id}` });
  expect((await register('100')).answer.statusCode).toBe(200);
});

import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptedSecretKeys } from '../../src/core/instances/accepted-secret-keys.ts';
import { createCachedDirectory } from '../../src/core/instances/cached-directory.ts';
import { runOne, StoreUnavailable } from '../../src/core/ports/command.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { generateKeyring, parseKeyring } from '../../src/core/secrets/keyring.ts';
import { createSealer } from '../../src/core/secrets/sealer.ts';
import { openSqliteStore } from '../../src/storage/sqlite/open-sqlite-store.ts';
import { adminRoutes } from '../../src/wire/admin/admin-routes.ts';
import { createHttpApp } from '../../src/wire/http/create-http-app.ts';

const adminToken = 'admin-token-of-this-test-0123456789';
const sealer = createSealer(parseKeyring(generateKeyring()));
const quiet = { info() {}, warn() {}, error() {} };
const unknownId = '00000000-0000-4000-8000-000000000000';
const events = ['v1.UserNotificationOpen'];

let store: Store;
let app: FastifyInstance;
let directory: ReturnType<typeof createCachedDirectory>;

beforeEach(async () => {
  store = await openSqliteStore({ file: ':memory:' });
  directory = createCachedDirectory({ store, sealer, maxEntries: 100 });
  app = await openApp(store);
});
afterEach(async () => {
  await app.close();
  await store.close();
});

const openApp = (usedStore: Store): Promise<FastifyInstance> => {
  const deps = {
    store: usedStore,
    sealer,
    instances: directory,
    log: quiet,
    clock: Date.now,
    allowHttpWebhooks: false,
    adminToken,
  };
  const ids = { random: () => randomUUID(), timeOrdered: () => randomUUID() };
  const brake = { list: () => [], resume: async () => null };
  const { forgetInstance, forgetWebhook } = directory;
  const masterKeys = { rotate: () => 'rotating' as const, status: () => ({ keys: ['0'], resealing: null }) };
  const backUp = () => Promise.reject(new Error('not in this test'));
  const routes = [adminRoutes({ ...deps, brake, masterKeys, backUp, ids, forgetInstance, forgetWebhook })];
  return createHttpApp({ log: quiet, tls: null, trustedProxies: [], routes });
};

/** Status and body of an answer, as the admin gets it. */
async function call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) {
  const headers = { authorization: `Bearer ${adminToken}` };
  const answer = await app.inject({ method, url: `/admin/v1${path}`, headers, ...(body && { payload: body }) });
  expect(answer.headers['cache-control']).toBe('no-store');
  return { status: answer.statusCode, body: (answer.body && JSON.parse(answer.body)) as Record<string, unknown> };
}

async function created(path: string, body: object): Promise<Record<string, unknown> & { readonly id: string }> {
  const answer = await call('POST', path, body);
  expect(answer.status).toBe(201);
  return answer.body as { id: string };
}

const without = (answer: object, field: string) =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => name !== field));

const refusal = (code: string, message: RegExp | string) => ({
  error: { code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
});

describe('access', () => {
  it.each([
    ['nothing', undefined],
    ['another token', 'Bearer wrong'],
    ['no token', 'Bearer '],
    ['the token without its scheme', adminToken],
    ['a part of the token', `Bearer ${adminToken.slice(0, -1)}`],
    ['more than the token', `Bearer ${adminToken} x`],
  ])('is refused to who shows %s', async (_, authorization) => {
    for (const [method, path] of [
      ['GET', '/instances'],
      ['POST', '/instances'],
      ['GET', '/nowhere'],
    ] as const) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await app.inject({ method, url: `/admin/v1${path}`, headers });
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toEqual(refusal('unauthorized', /admin token/));
    }
  });

  it('is given whatever the case of the scheme', async () => {
    const headers = { authorization: `bearer ${adminToken}` };
    expect((await app.inject({ url: '/admin/v1/instances', headers })).statusCode).toBe(200);
  });
});

describe('instances', () => {
  it('are made with an id, a secret key and a VAPID key pair', async () => {
    const instance = await created('/instances', { name: 'shop' });
    expect(instance).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'shop',
      secretKey: expect.stringMatching(/^[0-9A-F]{64}$/),
      vapidPublicKey: expect.stringMatching(/^[\w-]{87}$/),
      allowedOrigins: null,
      previousSecretKeyEndsAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    const opened = await directory.findInstance(instance.id);
    expect(opened?.secretKey).toBe(instance['secretKey']);
    const { publicKey, privateKey } = opened?.vapid ?? { publicKey: Buffer.of(), privateKey: Buffer.of() };
    expect(Buffer.from(publicKey).toString('base64url')).toBe(instance['vapidPublicKey']);
    // The private key's own public half is the same point.
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(spki.subarray(-65)).toEqual(Buffer.from(publicKey));
  });

  it('are stored without secrets in clear', async () => {
    const { id, secretKey } = await created('/instances', { name: 'shop' });
    const record = await store.findInstance(id);
    expect(Buffer.from(record?.secretKey ?? []).includes(String(secretKey))).toBe(false);
  });

  it('keep the id and the secret key that they had at Beams', async () => {
    const kept = { name: 'moved', id: '8F9A1C2E-0D3B-4C5D-8E7F-A1B2C3D4E5F6', secretKey: 'A'.repeat(64) };
    expect(await created('/instances', kept)).toMatchObject({ ...kept, id: kept.id.toLowerCase() });
    expect(await call('POST', '/instances', { ...kept, name: 'again' })).toEqual({
      status: 409,
      body: refusal('instance-exists', /already/),
    });
  });

  it.each([
    [{}, /^`name`: .*string/],
    [{ name: ' ' }, '`name`: must be a text of 1 to 100 characters.'],
    [{ name: 'x', id: 'y' }, '`id`: must be a UUID in lower case.'],
    [{ name: 'x', secretKey: 'short' }, /^`secretKey`: must be 32 to 256/],
    [{ name: 'x', secretKey: `${'a'.repeat(40)} b` }, /^`secretKey`/],
    [{ name: 'x', colour: 'red' }, /colour/],
    [{ name: 1, id: 2 }, /`name`: .*`id`: /],
    [[], /`body`/],
  ])('are refused with what is expected: %j', async (input, message) => {
    expect(await call('POST', '/instances', input)).toEqual({ status: 400, body: refusal('invalid-request', message) });
  });

  it('are listed without their secret keys, and shown with them', async () => {
    const one = await created('/instances', { name: 'one' });
    const other = await created('/instances', { name: 'other' });
    const { body } = await call('GET', '/instances');
    const withoutKey = [one, other].map((instance) => without(instance, 'secretKey'));
    expect(body).toEqual({ instances: withoutKey });
    expect(await call('GET', `/instances/${one.id}`)).toEqual({ status: 200, body: one });
  });

  it('take a new secret key at once, and keep the one before for the overlap', async () => {
    const { id, secretKey } = await created('/instances', { name: 'shop' });
    await directory.findInstance(id);
    const path = `/instances/${id}/secret-key`;
    const next = 'N'.repeat(40);
    const { status, body } = await call('POST', path, { secretKey: next, overlapSeconds: 60 });
    expect([status, body['secretKey']]).toEqual([200, next]);
    const endsAt = Date.parse(String(body['previousSecretKeyEndsAt']));
    const instance = await directory.findInstance(id);
    expect(instance).toMatchObject({ secretKey: next, previousSecretKey: { key: secretKey, endsAt } });
    expect(instance && acceptedSecretKeys(instance, endsAt - 1)).toEqual([next, secretKey]);
    expect(instance && acceptedSecretKeys(instance, endsAt)).toEqual([next]);
    const record = await store.findInstance(id);
    expect(Buffer.from(record?.previousSecretKey?.key ?? []).includes(String(secretKey))).toBe(false);

    expect(await call('POST', path, {})).toEqual({
      status: 409,
      body: refusal('rotation-under-way', /works until .*: end that first/),
    });
    expect(await call('DELETE', `/instances/${id}/previous-secret-key`)).toEqual({ status: 204, body: '' });
    expect(await directory.findInstance(id)).toMatchObject({ secretKey: next, previousSecretKey: null });
    expect(await call('DELETE', `/instances/${id}/previous-secret-key`)).toEqual({ status: 204, body: '' });
  });

  it.each([
    [{ secretKey: 'short' }, /^`secretKey`: must be 32/],
    [{ secretKey: 'P'.repeat(40) }, '`secretKey`: must be another one than the present secret key.'],
    [{ overlapSeconds: -1 }, '`overlapSeconds`: must be a whole number from 0 to 2592000.'],
    [{ overlapSeconds: 1.5 }, /^`overlapSeconds`/],
    [{ overlapDays: 1 }, /overlapDays/],
  ])('keep their secret key when it cannot be replaced: %j', async (input, message) => {
    const { id } = await created('/instances', { name: 'shop', secretKey: 'P'.repeat(40) });
    const refused = { status: 400, body: refusal('invalid-request', message) };
    expect(await call('POST', `/instances/${id}/secret-key`, input)).toEqual(refused);
    expect(await directory.findInstance(id)).toMatchObject({ secretKey: 'P'.repeat(40), previousSecretKey: null });
    expect((await call('POST', `/instances/${unknownId}/secret-key`, {})).status).toBe(404);
    expect((await call('DELETE', `/instances/${unknownId}/previous-secret-key`)).status).toBe(404);
  });

  it('are changed in what is named, and at once for everybody', async () => {
    const { id } = await created('/instances', { name: 'shop' });
    await directory.findInstance(id);
    const origins = ['https://shop.example', 'http://localhost:3000'];
    const changed = await call('PATCH', `/instances/${id}`, { allowedOrigins: origins });
    expect(changed).toMatchObject({ status: 200, body: { name: 'shop', allowedOrigins: origins } });
    expect((await directory.findInstance(id))?.allowedOrigins).toEqual(origins);
    await call('PATCH', `/instances/${id}`, { name: 'shop 2', allowedOrigins: null });
    expect((await call('GET', `/instances/${id}`)).body).toMatchObject({ name: 'shop 2', allowedOrigins: null });
  });

  it.each([[['https://a.example/']], [['a.example']], [['https://A.example']], [['null']], [[1]], ['any']])(
    'refuse wrong origins: %j',
    async (allowedOrigins) => {
      const { id } = await created('/instances', { name: 'shop' });
      expect(await call('PATCH', `/instances/${id}`, { allowedOrigins })).toEqual({
        status: 400,
        body: refusal('invalid-request', /^`allowedOrigins/),
      });
    },
  );

  it('that do not exist are 404', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['GET', '/webhooks'],
      ['POST', '/webhooks'],
      ['GET', '/messages'],
    ] as const) {
      const body = method === 'POST' ? { url: 'https://a.example', events } : {};
      expect(await call(method, `/instances/${unknownId}${path}`, method === 'GET' ? undefined : body)).toEqual({
        status: 404,
        body: refusal('unknown-instance', /no instance/),
      });
    }
  });
});

describe('webhooks', () => {
  let webhooks: string;
  beforeEach(async () => {
    const { id } = await created('/instances', { name: 'shop' });
    webhooks = `/instances/${id}/webhooks`;
  });

  it('are made with a secret of their own', async () => {
    const url = 'https://user:password@site.example/hook?a=b';
    expect(await created(webhooks, { url, events })).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      url,
      events,
      secret: expect.stringMatching(/^[0-9a-f]{64}$/),
      customData: {},
      disabledAt: null,
      createdAt: expect.any(String),
    });
  });

  it('are made with a given secret and custom data', async () => {
    const given = {
      url: 'https://a.example/',
      events,
      secret: 'my secret'.replace(' ', '-'),
      customData: { a: [1, null] },
    };
    expect(await created(webhooks, given)).toMatchObject(given);
  });

  it.each([
    [{ url: 'http://site.example/', events }, /^`url`: must be an absolute https URL/],
    [{ url: 'https://site.example/#part', events }, /^`url`/],
    [{ url: '/hook', events }, /^`url`/],
    [{ url: `https://site.example/${'x'.repeat(2000)}`, events }, /^`url`/],
    [{ url: 'https://site.example/', events: [] }, /^`events`: must be a list/],
    [{ url: 'https://site.example/', events: [...events, ...events] }, /^`events`/],
    [{ url: 'https://site.example/', events: ['v1.Other'] }, /^`events\.0`: .*v1\.UserNotificationOpen/],
    [{ url: 'https://site.example/', events, secret: 'short' }, /^`secret`/],
    [{ url: 'https://site.example/', events, customData: [] }, /^`customData`/],
    [{ url: 'https://site.example/', events, customData: { a: 'x'.repeat(4096) } }, /^`customData`: .*4096 bytes/],
    [{ events }, /^`url`/],
  ])('are refused with what is expected: %#', async (input, message) => {
    expect(await call('POST', webhooks, input)).toEqual({ status: 400, body: refusal('invalid-request', message) });
  });

  it('are listed without secrets, shown with them, and deleted', async () => {
    const webhook = await created(webhooks, { url: 'https://a.example/', events });
    const listed = without(webhook, 'secret');
    expect((await call('GET', webhooks)).body).toEqual({ webhooks: [listed] });
    expect((await call('GET', `${webhooks}/${webhook.id}`)).body).toEqual(webhook);
    expect((await call('DELETE', `${webhooks}/${webhook.id}`)).status).toBe(204);
    expect((await call('GET', webhooks)).body).toEqual({ webhooks: [] });
    for (const method of ['GET', 'DELETE', 'PATCH'] as const) {
      expect(await call(method, `${webhooks}/${webhook.id}`, method === 'PATCH' ? {} : undefined)).toEqual({
        status: 404,
        body: refusal('unknown-webhook', /no webhook/),
      });
    }
  });

  it('are changed in what is named, and at once for everybody', async () => {
    const webhook = await created(webhooks, { url: 'https://a.example/', events, customData: { a: 1 } });
    const [, , instanceId = ''] = webhooks.split('/');
    await directory.findWebhook(instanceId, webhook.id);
    const path = `${webhooks}/${webhook.id}`;
    const disabled = await call('PATCH', path, { disabled: true, url: 'https://b.example/' });
    expect(disabled.body).toEqual({ ...webhook, url: 'https://b.example/', disabledAt: expect.any(String) });
    expect(await directory.findWebhook(instanceId, webhook.id)).toMatchObject({
      url: 'https://b.example/',
      disabledAt: expect.any(Number),
    });
    expect((await call('PATCH', path, { disabled: true })).body['disabledAt']).toBe(disabled.body['disabledAt']);
    expect((await call('PATCH', path, { disabled: false })).body['disabledAt']).toBeNull();
    expect((await call('PATCH', path, { url: 'ftp://a.example' })).status).toBe(400);
  });
});

describe('publishes and messages', () => {
  it('are shown without content', async () => {
    const { id: instanceId } = await created('/instances', { name: 'shop' });
    const webhook = await created(`/instances/${instanceId}/webhooks`, {
      url: 'https://a.example/',
      events: ['v1.PublishToUsersAttempt'],
    });
    const publishId = '0193a000-0000-7000-8000-000000000001';
    await runOne(store.acceptPublishes, {
      instanceId,
      publishId,
      target: { kind: 'users', users: ['alice'] },
      platforms: ['web'],
      body: sealer.seal({ instanceId, column: 'publishes.body' }, '{"content":{}}'),
      hasWebhook: true,
    });
    const publish = await call('GET', `/instances/${instanceId}/publishes/pubid-${publishId}`);
    expect(publish).toEqual({
      status: 200,
      body: {
        id: `pubid-${publishId}`,
        target: 'users',
        platforms: ['web'],
        acceptedAt: expect.stringMatching(/^20/),
        finishedAt: null,
        counts: expect.any(Object),
        users: expect.any(Object),
      },
    });

    const { body } = await call('GET', `/instances/${instanceId}/messages?publishId=pubid-${publishId}`);
    const [message] = body['messages'] as Record<string, unknown>[];
    expect(message).toMatchObject({
      webhookId: null,
      eventType: 'publish.started',
      publishId: `pubid-${publishId}`,
      state: 'waiting',
      attempts: 0,
    });
    expect(body['next']).toBeNull();
    const filtered = await call('GET', `/instances/${instanceId}/messages?webhookId=${webhook.id}&limit=1`);
    expect(filtered.body['messages']).toEqual([]);
    const attempts = await call('GET', `/instances/${instanceId}/messages/${String(message?.['id'])}/attempts`);
    expect(attempts).toEqual({ status: 200, body: { attempts: [] } });
  });

  it.each([
    ['/messages?limit=0', /^`limit`/],
    ['/messages?limit=201', /^`limit`/],
    ['/messages?before=x', /^`before`: must be a UUID/],
    ['/messages?publishId=x', /^`publishId`: must be a publish id like/],
    ['/messages?colour=red', /colour/],
    ['/messages/x/attempts', /^`messageId`/],
  ])('are refused with what is expected: %s', async (path, message) => {
    const { id } = await created('/instances', { name: 'shop' });
    expect(await call('GET', `/instances/${id}${path}`)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('that do not exist are 404', async () => {
    const { id } = await created('/instances', { name: 'shop' });
    for (const publishId of ['x', `pubid-${unknownId}`]) {
      expect(await call('GET', `/instances/${id}/publishes/${publishId}`)).toEqual({
        status: 404,
        body: refusal('unknown-publish', /no publish/),
      });
    }
  });
});

describe('requests that cannot be read', () => {
  const headers = { authorization: `Bearer ${adminToken}` };

  it.each([
    ['not JSON', 'application/json', '{', 400, 'invalid-request'],
    ['another type', 'text/plain', 'x', 415, 'unsupported-content-type'],
    ['no body', 'application/json', '', 400, 'invalid-request'],
    ['too much', 'application/json', JSON.stringify('x'.repeat(2 ** 20)), 413, 'body-too-large'],
  ])('%s', async (_, type, payload, status, code) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/admin/v1/instances',
      headers: { ...headers, 'content-type': type },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual(refusal(code, /./));
  });

  it('paths that are not there', async () => {
    expect(await call('GET', '/nowhere')).toEqual({ status: 404, body: refusal('unknown-route', /no GET here/) });
  });

  it('a store that is gone is 503, a bug is 500 without internals', async () => {
    for (const [error, status, code] of [
      [new StoreUnavailable('disk full'), 503, 'unavailable'],
      [new Error('internal detail'), 500, 'internal-error'],
    ] as const) {
      const broken = await openApp({ ...store, listInstances: () => Promise.reject(error) });
      const answer = await broken.inject({ url: '/admin/v1/instances', headers });
      expect(answer.statusCode).toBe(status);
      expect(answer.json()).toEqual(refusal(code, /^(?!.*detail)/));
      expect(answer.headers['retry-after']).toBe(status === 503 ? '2' : undefined);
      await broken.close();
    }
  });
});

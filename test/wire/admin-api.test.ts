import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runOne, StoreUnavailable } from '../../src/core/ports/command.ts';
import { InFlight } from '../../src/wire/http/in-flight.ts';
import type { AdminWorld } from './admin-world.ts';
import { adminToken, openAdminWorld, refusal, unknownId } from './admin-world.ts';

let world: AdminWorld;
beforeEach(async () => {
  world = await openAdminWorld();
});
afterEach(() => world.close());

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
      const answer = await world.app.inject({ method, url: `/admin/v1${path}`, headers });
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toEqual(refusal('unauthorized', /admin token/));
    }
  });

  it('is given whatever the case of the scheme', async () => {
    const headers = { authorization: `bearer ${adminToken}` };
    expect((await world.app.inject({ url: '/admin/v1/instances', headers })).statusCode).toBe(200);
  });
});

describe('publishes and messages', () => {
  it('are shown without content', async () => {
    const { id: instanceId } = await world.created('/instances', { name: 'shop' });
    const webhook = await world.created(`/instances/${instanceId}/webhooks`, {
      url: 'https://a.example/',
      events: ['v1.PublishToUsersAttempt'],
    });
    const publishId = '0193a000-0000-7000-8000-000000000001';
    await runOne(world.store.acceptPublishes, {
      instanceId,
      publishId,
      target: { kind: 'users', users: ['alice'] },
      platforms: ['web'],
      body: { content: {} },
      urlTarget: 'url:a',
      sendAfter: Date.now() + 60_000,
    });
    const publish = await world.call('GET', `/instances/${instanceId}/publishes/pubid-${publishId}`);
    expect(publish).toEqual({
      status: 200,
      body: {
        id: `pubid-${publishId}`,
        target: 'users',
        platforms: ['web'],
        acceptedAt: expect.stringMatching(/^20/),
        finishedAt: null,
        counts: expect.any(Object),
        insights: {},
        users: expect.any(Object),
      },
    });

    const { body } = await world.call('GET', `/instances/${instanceId}/messages?publishId=pubid-${publishId}`);
    const [message] = body['messages'] as Record<string, unknown>[];
    expect(message).toMatchObject({
      webhookId: null,
      eventType: 'publish.started',
      publishId: `pubid-${publishId}`,
      state: 'waiting',
      attempts: 0,
    });
    expect(body['next']).toBeNull();
    const filtered = await world.call('GET', `/instances/${instanceId}/messages?webhookId=${webhook.id}&limit=1`);
    expect(filtered.body['messages']).toEqual([]);
    const attempts = await world.call('GET', `/instances/${instanceId}/messages/${String(message?.['id'])}/attempts`);
    expect(attempts).toEqual({ status: 200, body: { attempts: [] } });
  });

  it.each([
    ['/messages?limit=0', '`limit`: must be a whole number from 1 to 200.'],
    ['/messages?limit=201', '`limit`: must be a whole number from 1 to 200.'],
    ['/messages?limit=1.5', '`limit`: must be a whole number from 1 to 200.'],
    ['/messages?limit=many', '`limit`: must be a whole number from 1 to 200.'],
    ['/messages?before=x', /^`before`: must be a UUID/],
    ['/messages?publishId=x', /^`publishId`: must be a publish id like/],
    ['/messages?colour=red', 'There is no field `colour` here.'],
  ])('are refused with what is expected: %s', async (path, message) => {
    const { id } = await world.created('/instances', { name: 'shop' });
    expect(await world.call('GET', `/instances/${id}${path}`)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('that do not exist are 404', async () => {
    const { id } = await world.created('/instances', { name: 'shop' });
    for (const publishId of ['x', `pubid-${unknownId}`]) {
      expect(await world.call('GET', `/instances/${id}/publishes/${publishId}`)).toEqual({
        status: 404,
        body: refusal('unknown-publish', /no publish/),
      });
    }
    for (const messageId of ['x', unknownId]) {
      expect(await world.call('GET', `/instances/${id}/messages/${messageId}/attempts`)).toEqual({
        status: 404,
        body: refusal('unknown-message', /no message/),
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
    const answer = await world.app.inject({
      method: 'POST',
      url: '/admin/v1/instances',
      headers: { ...headers, 'content-type': type },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toEqual(refusal(code, /./));
  });

  it('paths that are not there', async () => {
    expect(await world.call('GET', '/nowhere')).toEqual({ status: 404, body: refusal('unknown-route', /no GET here/) });
  });

  it('a store that is gone is 503, a bug is 500 without internals', async () => {
    for (const [error, status, code] of [
      [new StoreUnavailable('disk full'), 503, 'unavailable'],
      [new Error('internal detail'), 500, 'internal-error'],
    ] as const) {
      const broken = await world.openApp({ ...world.store, listInstances: () => Promise.reject(error) });
      const answer = await broken.inject({ url: '/admin/v1/instances', headers });
      expect(answer.statusCode).toBe(status);
      expect(answer.json()).toEqual(refusal(code, /^(?!.*detail)/));
      expect(answer.headers['retry-after']).toBe(status === 503 ? '2' : undefined);
      await broken.close();
    }
  });

  it.each([
    ['requests', { maxRequests: 0, maxBodyBytes: 1_000 }],
    ['bytes', { maxRequests: 10, maxBodyBytes: 1 }],
  ])('too many %s in flight are 503', async (_, limits) => {
    const busy = await world.openApp(world.store, { inFlight: new InFlight(limits) });
    const answer = await busy.inject({ method: 'POST', url: '/admin/v1/instances', headers, payload: { name: 'a' } });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '2']);
    expect(answer.json()).toEqual(refusal('unavailable', /try again/));
    await busy.close();
  });
});

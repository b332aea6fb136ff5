import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookKeyRoutes } from '../../src/wire/webhook-keys/webhook-key-routes.ts';
import { createHttpApp } from '../../src/wire/http/create-http-app.ts';
import { RateLimiter } from '../../src/wire/http/rate-limiter.ts';
import type { AdminWorld } from './admin-world.ts';
import { events, openAdminWorld, refusal, unknownId } from './admin-world.ts';

const url = 'https://user:password@site.example/hook';
const standard = { signing: 'standard' };
const quiet = { info() {}, warn() {}, error() {} };

let world: AdminWorld;
let instanceId: string;
let webhooks: string;
beforeEach(async () => {
  world = await openAdminWorld();
  instanceId = (await world.created('/instances', { name: 'shop' })).id;
  webhooks = `/instances/${instanceId}/webhooks`;
});
afterEach(() => world.close());

describe('the secret of a webhook', () => {
  it.each([
    [{ options: standard }, /^whsec_[A-Za-z0-9+/]{43}=$/],
    [{}, /^[0-9a-f]{64}$/],
  ])('is rotated with an overlap of a day: %j', async (input, form) => {
    const webhook = await world.created(webhooks, { url, events, ...input });
    const rotated = await world.call('POST', `${webhooks}/${webhook.id}/rotate-secret`);
    const { secret, previousSecretEndsAt } = rotated.body as { secret: string; previousSecretEndsAt: string };
    expect(secret).toMatch(form);
    expect(secret).not.toBe(webhook['secret']);
    expect(rotated).toMatchObject({ status: 200, body: { id: webhook.id, publicKey: webhook['publicKey'] } });
    const day = 86_400_000;
    expect(Math.abs(Date.parse(previousSecretEndsAt) - Date.now() - day)).toBeLessThan(day / 2);
    const known = await world.directory.findWebhook(instanceId, webhook.id);
    expect(known).toMatchObject({ secret, previousSecret: { secret: webhook['secret'] } });
    expect(known && Date.parse(previousSecretEndsAt) === known.previousSecret?.endsAt).toBe(true);

    const again = await world.call('POST', `${webhooks}/${webhook.id}/rotate-secret`, {});
    expect(again).toEqual({ status: 409, body: refusal('rotation-under-way', /previous secret signs until/) });
    expect((await world.call('DELETE', `${webhooks}/${webhook.id}/previous-secret`)).status).toBe(204);
    expect((await world.call('GET', `${webhooks}/${webhook.id}`)).body).toMatchObject({ previousSecretEndsAt: null });
    expect((await world.call('POST', `${webhooks}/${webhook.id}/rotate-secret`, {})).status).toBe(200);
  });

  it('is replaced by a given one, at once without an overlap', async () => {
    const { id } = await world.created(webhooks, { url, events });
    const path = `${webhooks}/${id}/rotate-secret`;
    const given = { secret: 'my-own-secret', overlapSeconds: 0 };
    expect((await world.call('POST', path, given)).body).toMatchObject({
      secret: given.secret,
      previousSecretEndsAt: null,
    });
    expect(await world.call('POST', path, given)).toEqual({
      status: 400,
      body: refusal('invalid-request', /^`secret`: must be another one/),
    });
  });

  it('that is changed directly, or with the signing, ends an overlap', async () => {
    for (const change of [{ secret: 'my-own-secret' }, { options: standard }]) {
      const { id } = await world.created(webhooks, { url, events });
      await world.call('POST', `${webhooks}/${id}/rotate-secret`);
      const changed = await world.call('PATCH', `${webhooks}/${id}`, change);
      expect(changed.body).toMatchObject({ previousSecretEndsAt: null });
    }
    const { id } = await world.created(webhooks, { url, events });
    const { body } = await world.call('POST', `${webhooks}/${id}/rotate-secret`);
    const { previousSecretEndsAt } = body;
    const other = await world.call('PATCH', `${webhooks}/${id}`, { url: 'https://other.example/' });
    expect(other.body).toMatchObject({ secret: body['secret'], previousSecretEndsAt });
  });

  it.each([
    [{ overlapSeconds: -1 }, /^`overlapSeconds`/],
    [{ overlapSeconds: 30 * 86_400 + 1 }, /^`overlapSeconds`/],
    [{ secret: 'short' }, /^`secret`/],
    [{ other: 1 }, /no field `other`/],
  ])('is not rotated with %j', async (input, message) => {
    const { id } = await world.created(webhooks, { url, events });
    const answer = await world.call('POST', `${webhooks}/${id}/rotate-secret`, input);
    expect(answer).toEqual({ status: 400, body: refusal('invalid-request', message) });
  });

  it('is not rotated where there is no webhook', async () => {
    expect((await world.call('POST', `${webhooks}/${unknownId}/rotate-secret`)).status).toBe(404);
    expect((await world.call('DELETE', `${webhooks}/${unknownId}/previous-secret`)).status).toBe(404);
  });

  it('is not lost when the webhook is changed at the same time', async () => {
    const { id } = await world.created(webhooks, { url, events });
    const [rotated, ...changed] = await Promise.all([
      world.call('POST', `${webhooks}/${id}/rotate-secret`),
      ...[1, 2, 3].map((a) => world.call('PATCH', `${webhooks}/${id}`, { customData: { a } })),
    ]);
    expect(changed.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await world.call('GET', `${webhooks}/${id}`)).body).toMatchObject({ secret: rotated.body['secret'] });
  });
});

describe('the public keys of an instance’s webhooks', () => {
  const ask = async (id: string, requests = 1) => {
    const limits = { devices: new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 10 }) };
    const routes = [webhookKeyRoutes({ instances: world.directory, limits })];
    const app = await createHttpApp({ log: quiet, tls: null, trustedProxies: [], routes });
    const path = `/.well-known/pharos/webhook-keys/${id}`;
    for (let count = 1; count < requests; count += 1) await app.inject(path);
    const answer = await app.inject(path);
    await app.close();
    return answer;
  };

  it('are told to everybody, and nothing else', async () => {
    const webhook = await world.created(webhooks, { url, events, options: standard });
    await world.created(webhooks, { url, events });
    expect(webhook['publicKey']).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const answer = await ask(instanceId);
    expect(answer.json()).toEqual({ keys: [{ webhookId: webhook.id, publicKey: webhook['publicKey'] }] });
    expect(answer.headers['cache-control']).toBe('public, max-age=300');
  });

  it('are up to date: the signing of one changes, another is deleted', async () => {
    const { id } = await world.created(webhooks, { url, events });
    expect((await ask(instanceId)).json()).toEqual({ keys: [] });
    const { publicKey } = (await world.call('PATCH', `${webhooks}/${id}`, { options: standard })).body;
    expect((await ask(instanceId)).json()).toEqual({ keys: [{ webhookId: id, publicKey }] });
    await world.call('DELETE', `${webhooks}/${id}`);
    expect((await ask(instanceId)).json()).toEqual({ keys: [] });
  });

  it('of an unknown instance are not found, and asking is limited', async () => {
    expect((await ask(unknownId)).statusCode).toBe(404);
    const limited = await ask(instanceId, 2);
    expect(limited.statusCode).toBe(429);
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
  });
});

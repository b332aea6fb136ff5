import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultWebhookOptions } from '../../src/core/instances/webhook-options.ts';
import type { AdminWorld } from './admin-world.ts';
import { events, openAdminWorld, refusal } from './admin-world.ts';

const url = 'https://site.example/hook';
const standardSecret = /^whsec_[A-Za-z0-9+/]{43}=$/;

describe('the options of webhooks', () => {
  let world: AdminWorld;
  let webhooks: string;
  beforeEach(async () => {
    world = await openAdminWorld();
    webhooks = `/instances/${(await world.created('/instances', { name: 'shop' })).id}/webhooks`;
  });
  afterEach(() => world.close());

  it('are taken, shown and changed one by one', async () => {
    const options = {
      ...{ signing: 'beams', retryPolicy: 'standard', maxInFlight: 5, maxPerSecond: 10 },
      ...{ filter: { interests: ['news'], userPrefix: 'shop-' }, batch: { maxEvents: 100, maxWaitMs: 500 } },
    };
    const headers = { 'X-Tenant': 'shop', Authorization: 'Bearer abc' };
    const { id } = await world.created(webhooks, { url, events, options, headers });
    const path = `${webhooks}/${id}`;
    expect((await world.call('GET', path)).body).toMatchObject({ options, headers });
    const changes = { options: { batch: null, maxPerSecond: null, filter: {} }, headers: {} };
    const changed = (await world.call('PATCH', path, changes)).body;
    expect(changed).toMatchObject({ options: { ...options, ...changes.options }, headers: {} });
    expect(changed['options']).toMatchObject({ filter: {} });
    expect((await world.call('GET', path)).body).toMatchObject(changed);
  });

  it.each([
    [{ options: { maxInFlight: 0 } }, /^`options.maxInFlight`: must be a whole number from 1 to 256/],
    [{ options: { maxInFlight: 1.5 } }, /^`options.maxInFlight`/],
    [{ options: { maxPerSecond: 0 } }, /^`options.maxPerSecond`/],
    [{ options: { filter: { interests: [] } } }, /^`options.filter.interests`/],
    [{ options: { filter: { interests: ['a', 'a'] } } }, /^`options.filter.interests`/],
    [{ options: { filter: { userPrefix: '' } } }, /^`options.filter.userPrefix`/],
    [{ options: { filter: { users: ['a'] } } }, /no field `users`/],
    [{ options: { batch: { maxEvents: 1, maxWaitMs: 5 } } }, /^`options.batch.maxEvents`/],
    [{ options: { batch: { maxEvents: 10 } } }, /^`options.batch.maxWaitMs`: must be a number/],
    [{ options: { signing: 'none' } }, /^`options.signing`: must be one of "beams", "standard"/],
    [{ options: { retryPolicy: 'none' } }, /^`options.retryPolicy`/],
    [{ options: { signing: 'standard' }, secret: 'my-own-secret' }, /^`secret`: must be "whsec_" and 24 to 64 bytes/],
    [{ options: { signing: 'standard' }, secret: `whsec_${'A'.repeat(31)}` }, /^`secret`/],
    [{ options: { signing: 'standard' }, secret: `whsec_${'AAAA'.repeat(30)}` }, /^`secret`/],
    [{ secret: 'whsec_cut-off' }, /^`secret`: must be whole/],
    [{ secret: `whpk_${'A'.repeat(43)}=` }, /^`secret`/],
    [{ format: 'standard', customData: { a: 1 } }, /^`customData`: must be empty in the standard format/],
  ])('are refused with what is expected: %#', async (input, message) => {
    const body = refusal('invalid-request', message);
    expect(await world.call('POST', webhooks, { url, events, ...input })).toEqual({ status: 400, body });
  });

  it('have no batch in the classic format', async () => {
    const input = { url, format: 'classic', events: ['v1.NotificationClicked'] };
    const options = { batch: { maxEvents: 10, maxWaitMs: 0 } };
    expect((await world.call('POST', webhooks, { ...input, options })).status).toBe(400);
    const { id } = await world.created(webhooks, input);
    expect((await world.call('PATCH', `${webhooks}/${id}`, { options })).status).toBe(400);
  });

  it.each([
    { 'Content-Type': 'text/plain' },
    { host: 'other.example' },
    { 'Transfer-Encoding': 'chunked' },
    { Connection: 'close' },
    { 'webhook-signature': 'v1,a' },
    { 'Webhook-Event-Type': 'x' },
    { 'User-Agent': 'x' },
    { 'proxy-authorization': 'x' },
    { 'X-A': 'one\r\nX-B: two' },
    { 'X-A': 'one\ntwo' },
    { 'X-A': '' },
    { 'X-A': ' blank' },
    { 'X-A': 'é' },
    { 'X-A': 'x'.repeat(1_001) },
    { 'X A': 'x' },
    { 'X-A\r\nX-B': 'x' },
    { '': 'x' },
    { 'X-A': 'x', 'x-a': 'y' },
    { 'X-A': 5 },
    Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`x-${index}`, 'x'])),
  ])('refuse the custom headers %j', async (headers) => {
    const answer = await world.call('POST', webhooks, { url, events, headers });
    expect(answer).toEqual({ status: 400, body: refusal('invalid-request', /headers/) });
  });

  it('refuse an `authorization` beside credentials in the URL', async () => {
    const input = { events, headers: { authorization: 'Bearer abc' } };
    const withCredentials = { ...input, url: 'https://user:password@site.example/' };
    expect((await world.call('POST', webhooks, withCredentials)).status).toBe(400);
    const { id } = await world.created(webhooks, { ...input, url });
    expect((await world.call('PATCH', `${webhooks}/${id}`, { url: withCredentials.url })).status).toBe(400);
  });

  it('seal headers, secrets and keys', async () => {
    const options = { signing: 'standard' };
    const { id } = await world.created(webhooks, { url, events, options, headers: { 'X-Token': 'secret-value' } });
    const [, , instanceId = ''] = webhooks.split('/');
    const record = await world.store.findWebhook(instanceId, id);
    expect(Buffer.from(record?.headers ?? []).toString('latin1')).not.toContain('secret-value');
    expect(record?.signingKey?.length).toBeGreaterThan(48);
  });

  describe('signing', () => {
    it('standard has a secret of its own form', async () => {
      const webhook = await world.created(webhooks, { url, events, options: { signing: 'standard' } });
      expect(webhook).toMatchObject({ options: { ...defaultWebhookOptions, signing: 'standard' } });
      expect(webhook['secret']).toMatch(standardSecret);
      const given = { url, events, options: { signing: 'standard' }, secret: `whsec_${'AAAA'.repeat(8)}` };
      expect(await world.created(webhooks, given)).toMatchObject({ secret: given.secret });
    });

    it('that becomes standard makes a secret unless the present one fits', async () => {
      const standard = { options: { signing: 'standard' } };
      const { id } = await world.created(webhooks, { url, events, secret: 'my-own-secret' });
      const path = `${webhooks}/${id}`;
      const { secret } = (await world.call('PATCH', path, standard)).body;
      expect(secret).toMatch(standardSecret);
      expect((await world.call('PATCH', path, { options: { signing: 'beams' } })).body).toMatchObject({ secret });
      expect((await world.call('PATCH', path, standard)).body).toMatchObject({ secret });
      expect((await world.call('PATCH', path, { secret: 'my-own-secret' })).status).toBe(400);
    });
  });
});

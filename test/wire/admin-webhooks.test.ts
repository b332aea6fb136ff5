import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultWebhookOptions } from '../../src/core/instances/webhook-options.ts';
import type { AdminWorld } from './admin-world.ts';
import { events, openAdminWorld, refusal, without } from './admin-world.ts';

let world: AdminWorld;
beforeEach(async () => {
  world = await openAdminWorld();
});
afterEach(() => world.close());

describe('webhooks', () => {
  let webhooks: string;
  beforeEach(async () => {
    const { id } = await world.created('/instances', { name: 'shop' });
    webhooks = `/instances/${id}/webhooks`;
  });

  it('are made with a secret of their own', async () => {
    const url = 'https://user:password@site.example/hook?a=b';
    expect(await world.created(webhooks, { url, events })).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      url,
      format: 'beams',
      events,
      options: defaultWebhookOptions,
      publicKey: null,
      secret: expect.stringMatching(/^[0-9a-f]{64}$/),
      previousSecretEndsAt: null,
      headers: {},
      customData: {},
      disabledAt: null,
      disabledReason: null,
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
    expect(await world.created(webhooks, given)).toMatchObject(given);
  });

  it.each([
    [
      { url: 'http://site.example/', events },
      /^`url`: must be an absolute https URL \(http needs PHAROS_ALLOW_HTTP_WEBHOOKS\)/,
    ],
    [{ url: 'https://site.example/#part', events }, /^`url`/],
    [{ url: '/hook', events }, /^`url`/],
    [{ url: `https://site.example/${'x'.repeat(2000)}`, events }, /^`url`/],
    [{ url: 'https://site.example/', events: [] }, /^`events`: must be a list/],
    [{ url: 'https://site.example/', events: [...events, ...events] }, /^`events`/],
    [
      { url: 'https://site.example/', events: ['v1.Other'] },
      /^`events\.0`: must be one of "v1\..*"v1\.UserNotificationOpen"/,
    ],
    [{ url: 'https://site.example/', events, secret: 'short' }, /^`secret`/],
    [{ url: 'https://site.example/', events, customData: [] }, '`customData`: must be an object.'],
    [{ url: 'https://site.example/', events, customData: { a: 'x'.repeat(4096) } }, /^`customData`: .*4096 bytes/],
    [{ events }, /^`url`/],
  ])('are refused with what is expected: %#', async (input, message) => {
    expect(await world.call('POST', webhooks, input)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('are listed without secrets, shown with them, and deleted', async () => {
    const webhook = await world.created(webhooks, { url: 'https://a.example/', events });
    const listed = ['secret', 'previousSecretEndsAt', 'headers'].reduce(without, webhook);
    expect((await world.call('GET', webhooks)).body).toEqual({ webhooks: [listed] });
    const health = { failingSince: null, lastSuccessAt: null };
    expect((await world.call('GET', `${webhooks}/${webhook.id}`)).body).toEqual({ ...webhook, ...health });
    expect((await world.call('DELETE', `${webhooks}/${webhook.id}`)).status).toBe(204);
    expect((await world.call('GET', webhooks)).body).toEqual({ webhooks: [] });
    for (const method of ['GET', 'DELETE', 'PATCH'] as const) {
      expect(await world.call(method, `${webhooks}/${webhook.id}`, method === 'PATCH' ? {} : undefined)).toEqual({
        status: 404,
        body: refusal('unknown-webhook', /no webhook/),
      });
    }
  });

  it('are changed in what is named, and at once for everybody', async () => {
    const webhook = await world.created(webhooks, { url: 'https://a.example/', events, customData: { a: 1 } });
    const [, , instanceId = ''] = webhooks.split('/');
    await world.directory.findWebhook(instanceId, webhook.id);
    const path = `${webhooks}/${webhook.id}`;
    const disabled = await world.call('PATCH', path, { disabled: true, url: 'https://b.example/' });
    expect(disabled.body).toEqual({ ...webhook, url: 'https://b.example/', disabledAt: expect.any(String) });
    expect(await world.directory.findWebhook(instanceId, webhook.id)).toMatchObject({
      url: 'https://b.example/',
      disabledAt: expect.any(Number),
    });
    expect((await world.call('PATCH', path, { disabled: true })).body['disabledAt']).toBe(disabled.body['disabledAt']);
    expect((await world.call('PATCH', path, { disabled: false })).body['disabledAt']).toBeNull();
    expect((await world.call('PATCH', path, { url: 'ftp://a.example' })).status).toBe(400);
  });
});

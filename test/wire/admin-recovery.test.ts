import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import type { AdminWorld } from './admin-world.ts';
import { events, openAdminWorld, refusal, unknownId } from './admin-world.ts';

let world: AdminWorld;

beforeEach(async () => {
  world = await openAdminWorld();
});
afterEach(() => world.close());

interface Shown {
  readonly id: string;
  readonly explanation: string | null;
}

async function publishTo(instanceId: string, urlTarget: string | null) {
  const publish = { instanceId, publishId: v7(), platforms: ['web'], body: { content: {} } } as const;
  const target = { kind: 'users', users: ['anna'] } as const;
  await runOne(world.store.acceptPublishes, { ...publish, target, urlTarget });
  return publish;
}

/** An instance with a webhook and a message to it, which waits for its first attempt. */
async function withMessage() {
  const { id: instanceId } = await world.created('/instances', { name: 'shop' });
  const webhook = await world.created(`/instances/${instanceId}/webhooks`, {
    url: 'https://shop.example/hook',
    events,
  });
  const device = { instanceId, platform: 'web', deviceId: randomUUID() } as const;
  const registered = { ...device, address: 'https://push.example/1', keys: new Uint8Array(81), metadata: '{}' };
  await runOne(world.store.registerDevices, registered);
  await runOne(world.store.setDeviceUsers, { ...device, user: 'anna', maxDevices: 10 });
  const publish = await publishTo(instanceId, null);
  const nothingMore = { appInBackground: null, hasDisplayableContent: null, hasData: null };
  const report = { ...device, publishId: publish.publishId, happenedAt: 0, notifiesUserWebhooks: true, ...nothingMore };
  await runOne(world.store.recordReports, { ...report, kind: 'open' });
  const path = `/instances/${instanceId}`;
  const [message] = (await world.call('GET', `${path}/messages`)).body['messages'] as Shown[];
  if (!message) throw new Error('the message is missing');
  return { instanceId, path, webhookId: webhook.id, message };
}

describe('a message', () => {
  it('says whom it is about and what it waits for', async () => {
    const { path, message } = await withMessage();
    const words = 'first attempt is due: its turn comes';
    expect(message.explanation).toBe(words);
    const shown = await world.call('GET', `${path}/messages/${message.id}`);
    expect(shown).toMatchObject({ status: 200, body: { ...message, user: 'anna', userErased: false, action: null } });
    expect(await world.call('GET', `${path}/messages/${unknownId}`)).toMatchObject({ status: 404 });
  });

  it.each([
    ['user=anna', 1],
    ['user=berta', 0],
    ['state=waiting', 1],
    ['state=exhausted', 0],
    ['eventType=v1.UserNotificationOpen', 1],
    ['status=500', 0],
    ['since=2026-01-01T00:00:00Z', 1],
    ['until=2026-01-01T01:00:00%2B01:00', 0],
  ])('is found by %s', async (query, count) => {
    const { path } = await withMessage();
    const { body } = await world.call('GET', `${path}/messages?${query}`);
    expect(body['messages']).toHaveLength(count);
  });

  it.each([
    ['status=50', /^`status`: must be a status like 500/],
    ['state=lost', /^`state`: must be one of/],
    ['since=yesterday', /^`since`: must be a time like/],
    ['eventType=x', /^`eventType`: must be one of/],
  ])('is not looked for by %s', async (query, message) => {
    const { path } = await withMessage();
    expect(await world.call('GET', `${path}/messages?${query}`)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('is sent again, or the answer says why not', async () => {
    const { path, message, webhookId } = await withMessage();
    expect(await world.call('POST', `${path}/messages/${message.id}/resend`)).toEqual({
      status: 202,
      body: { id: message.id },
    });
    expect(await world.call('POST', `${path}/messages/x/resend`)).toMatchObject({ status: 404 });
    await world.call('DELETE', `${path}/webhooks/${webhookId}`);
    expect(await world.call('POST', `${path}/messages/${message.id}/resend`)).toEqual({
      status: 409,
      body: refusal('not-to-be-resent', 'Its webhook was deleted.'),
    });
  });
});

describe('a replay', () => {
  it('is started for one webhook or for all, shown, listed and canceled', async () => {
    const { instanceId, path, webhookId } = await withMessage();
    const one = await world.call('POST', `${path}/replays`, {
      webhookId,
      maxPerSecond: 5,
      since: '2026-01-31T12:00:00Z',
    });
    const [replay] = one.body['replays'] as Shown[];
    expect(one.status).toBe(202);
    expect(replay).toMatchObject({
      webhookId,
      states: ['exhausted'],
      eventType: null,
      since: '2026-01-31T12:00:00.000Z',
      maxPerSecond: 5,
      state: 'running',
      total: null,
      resent: 0,
      skipped: 0,
      endedAt: null,
    });
    const shown = `${path}/replays/${replay?.id}`;
    expect(await world.call('GET', shown)).toEqual({ status: 200, body: replay });
    expect(await world.call('DELETE', shown)).toMatchObject({ status: 204 });
    expect((await world.call('GET', shown)).body).toMatchObject({ state: 'canceled' });
    expect(await world.call('DELETE', shown)).toMatchObject({ status: 409, body: { error: { code: 'replay-ended' } } });

    for (const urlTarget of ['url:b', 'url:a', 'url:b']) await publishTo(instanceId, urlTarget);
    const all = await world.call('POST', `${path}/replays`, { states: ['held', 'delivered'] });
    expect(all.body['replays']).toMatchObject([
      { webhookId, target: webhookId },
      { webhookId: null, target: 'url:a' },
      { webhookId: null, target: 'url:b' },
    ]);
    expect((await world.call('GET', `${path}/replays`)).body['replays']).toHaveLength(4);
    const ofUrls = await world.call('POST', `${path}/replays`, { webhookId: null, states: ['delivered'] });
    expect(ofUrls.body['replays']).toMatchObject([{ target: 'url:a' }, { target: 'url:b' }]);
    const failedOfUrls = await world.call('POST', `${path}/replays`, { webhookId: null });
    expect(failedOfUrls).toEqual({ status: 202, body: { replays: [], started: 0 } });
  });

  it.each([
    [{ states: [] }, /^`states`: must name a state/],
    [{ states: ['waiting'] }, /^`states.0`: must be one of/],
    [{ maxPerSecond: 0 }, /^`maxPerSecond`: must be a number above 0/],
    [{ since: 5 }, /^`since`: must be a/],
    [{ colour: 'red' }, 'There is no field `colour` here.'],
  ])('is refused with what is expected: %j', async (body, message) => {
    const { path } = await withMessage();
    expect(await world.call('POST', `${path}/replays`, body)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('for catching up is of what was held and of what was given up, once the webhook is enabled', async () => {
    const { path, webhookId } = await withMessage();
    const webhook = `${path}/webhooks/${webhookId}`;
    await world.call('PATCH', webhook, { disabled: true });
    const disabled = await world.call('POST', `${webhook}/catch-up`, {});
    expect(disabled).toMatchObject({ status: 409, body: { error: { code: 'webhook-disabled' } } });
    const { status, body } = await world.call('POST', `${webhook}/catch-up`, { enable: true, maxPerSecond: 2 });
    expect([status, body['replays']]).toMatchObject([
      202,
      [
        { webhookId, states: ['held'], since: null, maxPerSecond: 2 },
        { webhookId, states: ['exhausted'], since: null, maxPerSecond: 2 },
      ],
    ]);
    expect((await world.call('GET', webhook)).body).toMatchObject({ disabledAt: null });
    expect(await world.call('POST', `${path}/webhooks/${unknownId}/catch-up`)).toMatchObject({ status: 404 });
  });

  it('of what is unknown is refused', async () => {
    const { path } = await withMessage();
    expect(await world.call('POST', `${path}/replays`, { webhookId: unknownId })).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown-webhook' } },
    });
    for (const [method, where] of [
      ['GET', `${path}/replays/${unknownId}`],
      ['DELETE', `${path}/replays/${unknownId}`],
      ['POST', `/instances/${unknownId}/replays`],
      ['GET', `/instances/${unknownId}/replays`],
    ] as const) {
      expect([method, where, (await world.call(method, where)).status]).toEqual([method, where, 404]);
    }
  });
});

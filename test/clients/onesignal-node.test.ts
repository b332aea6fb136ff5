import { randomUUID } from 'node:crypto';
import * as OneSignal from '@onesignal/node-onesignal';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BeamsDevice } from '../../demo/beams-device.ts';
import { registerBeamsDevice } from '../../demo/beams-device.ts';
import type { ReceivedPush } from '../../demo/simulated-browser.ts';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';

describe("OneSignal's REST client for Node", () => {
  const authority = createTestAuthority();
  const hosts = { firefox: 'updates.push.services.mozilla.com', chrome: 'fcm.googleapis.com' };
  const backendHost = 'backend.customer.example';
  const backend = createWebhookReceiver('correct-horse-battery');
  const browsers = new Map<string, ReturnType<typeof createSimulatedBrowser>>();
  const gone = new Set<string>();
  const pushes: { readonly to: string; readonly push: ReceivedPush }[] = [];
  let front: TlsFront;
  let pharos: PharosProcess;
  let instanceId: string;
  let client: OneSignal.DefaultApi;

  const clientAt = (base: string, restApiKey: string): OneSignal.DefaultApi =>
    new OneSignal.DefaultApi(
      OneSignal.createConfiguration({
        restApiKey,
        baseServer: new OneSignal.ServerConfiguration(`${pharos.origin}${base}`, {}),
      }),
    );

  beforeAll(async () => {
    const pushService = ({ path, body }: { readonly path: string; readonly body: Buffer }) => {
      const browser = browsers.get(path);
      if (!browser || gone.has(browser.name)) return { status: 410 };
      pushes.push({ to: browser.name, push: browser.decrypt(body) });
      return { status: 201 };
    };
    front = await startTlsFront(authority, {
      [hosts.firefox]: pushService,
      [hosts.chrome]: pushService,
      [backendHost]: backend.handler,
    });
    pharos = await startPharosProcess({ authority, fronts: [front] });
    const instance = await pharos.admin('POST', '/instances', { name: 'customer' });
    instanceId = String(instance['id']);
    client = clientAt('', String(instance['secretKey']));
    await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${backendHost}/webhooks`,
      events: ['v1.NotificationDisplayed', 'v1.NotificationClicked', 'v1.NotificationDismissed'],
      secret: 'correct-horse-battery',
    });
  });

  afterAll(async () => {
    await pharos?.remove();
    await front?.close();
  });

  function openDevice(name: string, kind: keyof typeof hosts = 'firefox'): Promise<BeamsDevice> {
    const path = `/push/${name.replaceAll(/\W/g, '-')}`;
    const browser = createSimulatedBrowser(name, `https://${hosts[kind]}${path}`);
    browsers.set(path, browser);
    return registerBeamsDevice(pharos.origin, instanceId, browser);
  }

  /** What the page script says. */
  async function page(method: string, path: string, body: object): Promise<void> {
    const response = await fetch(`${pharos.origin}/page_api/v1/instances/${instanceId}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([response.status, await response.text()]).toEqual([200, '{}']);
  }

  const report = (device: BeamsDevice, id: string, event: string, more: object = {}): Promise<void> =>
    page('POST', '/reports', { event, publishId: `pubid-${id}`, deviceId: device.id, timestampSecs: 1, ...more });

  const bare = ({ id }: BeamsDevice): string => id.slice('web-'.length);

  function notification(fields: Partial<OneSignal.Notification>): OneSignal.Notification {
    const about: Partial<OneSignal.Notification> = {
      app_id: instanceId,
      contents: { en: 'World' },
      headings: { en: 'Hello' },
    };
    return Object.assign(new OneSignal.Notification(), about, fields);
  }

  const create = async (fields: Partial<OneSignal.Notification>, api = client): Promise<string> => {
    const { id } = await api.createNotification(notification(fields));
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    return String(id);
  };

  const completed = (id: string) =>
    waitFor(`the end of ${id}`, async () => {
      const seen = await client.getNotification(instanceId, id);
      return typeof seen.completed_at === 'number' && seen;
    });

  const receivers = (id: string): string[] =>
    pushes.filter(({ push }) => push.data.pusher.publishId === `pubid-${id}`).map(({ to }) => to);

  test('creates with everything a browser shows, and the statistics agree with what was received and told', async () => {
    const [ann, bob, dead] = [await openDevice('ann', 'chrome'), await openDevice('bob'), await openDevice('dead')];
    gone.add('dead');
    const fields: Partial<OneSignal.Notification> = {
      include_subscription_ids: [bare(ann), bare(bob), bare(dead)],
      web_url: 'https://shop.example/offer',
      data: { order: 7 },
      chrome_web_icon: 'https://shop.example/icon.png',
      chrome_web_image: 'https://shop.example/image.png',
      chrome_web_badge: 'https://shop.example/badge.png',
      web_buttons: [
        { id: 'buy', text: 'Buy', url: 'https://shop.example/buy' },
        { id: 'later', text: 'Later' },
        { id: 'never', text: 'Never' },
      ],
      web_push_topic: 'offer',
      name: 'campaign',
    };
    const id = await create(fields);
    const seen = await completed(id);
    expect(receivers(id).toSorted()).toEqual(['ann', 'bob']);
    expect(pushes.find(({ push }) => push.data.pusher.publishId === `pubid-${id}`)?.push).toEqual({
      notification: {
        title: 'Hello',
        body: 'World',
        icon: 'https://shop.example/icon.png',
        image: 'https://shop.example/image.png',
        badge: 'https://shop.example/badge.png',
        deep_link: 'https://shop.example/offer',
        buttons: [
          { id: 'buy', text: 'Buy', url: 'https://shop.example/buy' },
          { id: 'later', text: 'Later' },
        ],
        tag: 'offer',
      },
      data: {
        order: 7,
        pusher: {
          ...{ instanceId, publishId: `pubid-${id}`, hasDisplayableContent: true, hasData: true },
          relayedEvents: [],
        },
      },
    });
    expect(seen).toMatchObject({ ...fields, successful: 2, failed: 1, errored: 0, remaining: 0, canceled: false });

    const told = [
      [ann, 'displayed', {}],
      [bob, 'displayed', {}],
      [ann, 'clicked', { action: 'buy' }],
      [ann, 'clicked', { action: 'buy' }],
      [bob, 'dismissed', {}],
    ] as const;
    for (const [device, event, more] of told) await report(device, id, event, more);
    const after = await client.getNotification(instanceId, id);
    expect(after).toMatchObject({ received: 2, converted: 1 });
    const none = { successful: 0, failed: 0, errored: 0, converted: 0, received: 0 };
    expect(after.platform_delivery_stats).toMatchObject({
      chrome_web_push: { ...none, successful: 1, converted: 1, received: 1 },
      firefox_web_push: { ...none, successful: 1, failed: 1, received: 1 },
    });

    const webhooks = await waitFor('four webhooks', () => backend.received.length >= 4 && backend.received);
    const common = { instance_id: instanceId, publish_id: `pubid-${id}` };
    const url = 'https://shop.example/offer';
    expect(webhooks.map(({ eventType, json }) => [eventType, json?.payload])).toEqual(
      expect.arrayContaining([
        ['v1.NotificationDisplayed', { ...common, device_id: ann.id, url }],
        ['v1.NotificationDisplayed', { ...common, device_id: bob.id, url }],
        ['v1.NotificationClicked', { ...common, device_id: ann.id, action: 'buy', url: 'https://shop.example/buy' }],
        ['v1.NotificationDismissed', { ...common, device_id: bob.id, url }],
      ]),
    );
    expect(webhooks).toHaveLength(4);
    for (const webhook of webhooks) expect(webhook.signatureIsGood).toBe(true);
  });

  test('targets aliases, tags, segments and players, and says what it does not know', async () => {
    const [cat, dan] = [await openDevice('cat'), await openDevice('dan')];
    await page('PUT', `/devices/${cat.id}/alias`, { externalId: 'customer-1' });
    await page('PATCH', `/devices/${dan.id}/tags`, { tags: { level: 12, vip: '1' } });

    const aliased = await client.createNotification(
      notification({ include_aliases: { external_id: ['customer-1', 'nobody'] }, target_channel: 'push' }),
    );
    expect(aliased.errors).toMatchObject({ invalid_aliases: { external_id: ['nobody'] } });
    await completed(String(aliased.id));
    expect(receivers(String(aliased.id))).toEqual(['cat']);

    const tagged = await create({
      filters: [
        { field: 'tag', key: 'level', relation: '>', value: '9' },
        { operator: 'OR' },
        { field: 'tag', key: 'vip', relation: 'exists', value: '' },
      ],
    });
    await completed(tagged);
    expect(receivers(tagged)).toEqual(['dan']);

    const all = await create({ included_segments: ['Subscribed Users'], is_firefox: true });
    await completed(all);
    expect(receivers(all)).toEqual(expect.arrayContaining(['bob', 'cat', 'dan']));
    expect(receivers(all)).not.toContain('ann');

    const nobody = await client.createNotification(notification({ include_subscription_ids: [randomUUID()] }));
    expect(nobody).toMatchObject({ id: '', errors: ['All included players are not subscribed'] });
  });

  test('schedules, lists and cancels', async () => {
    await openDevice('eve');
    const sendAfter = new Date(Date.now() + 3_600_000).toISOString();
    const id = await create({ included_segments: ['All'], send_after: sendAfter });
    const { notifications = [], total_count: total } = await client.getNotifications(instanceId, 2, 0);
    expect(total).toBeGreaterThanOrEqual(2);
    expect(notifications).toHaveLength(2);
    expect(notifications[0]).toMatchObject({
      id,
      canceled: false,
      send_after: Math.floor(Date.parse(sendAfter) / 1000),
    });
    expect(notifications[0]?.remaining).toBeGreaterThanOrEqual(1);
    expect(await client.cancelNotification(instanceId, id)).toMatchObject({ success: true });
    expect(await client.getNotification(instanceId, id)).toMatchObject({ canceled: true, successful: 0, remaining: 0 });
    expect(receivers(id)).toEqual([]);
  });

  test('a key makes one notification, however often it is sent at once', async () => {
    await openDevice('fay');
    const fields = { included_segments: ['All'], idempotency_key: randomUUID() };
    const ids = await Promise.all([1, 2, 3].map(() => create(fields)));
    expect(new Set(ids).size).toBe(1);
    const [id = ''] = ids;
    await completed(id);
    expect(receivers(id).filter((name) => name === 'fay')).toHaveLength(1);
  });

  test('gets its errors as it knows them', async () => {
    const stranger = clientAt('', 'not-the-key-not-the-key-not-the-key');
    const statuses = await Promise.all(
      [
        stranger.getNotification(instanceId, randomUUID()),
        client.getNotification(instanceId, randomUUID()),
        client.cancelNotification(instanceId, randomUUID()),
        client.createNotification(notification({})),
        client.createNotification(notification({ included_segments: ['All'], send_after: '2030-09-24 14:00:00' })),
      ].map((call) =>
        call.then(
          () => 200,
          (error: { readonly code?: number }) => error.code,
        ),
      ),
    );
    expect(statuses).toEqual([403, 404, 404, 400, 400]);
  });

  test('is served at /api/v1 too', async () => {
    await openDevice('gus');
    const { secretKey } = await pharos.admin('GET', `/instances/${instanceId}`);
    const id = await create({ included_segments: ['All'] }, clientAt('/api/v1', String(secretKey)));
    await completed(id);
    expect(receivers(id)).toContain('gus');
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BeamsDevice } from '../../demo/beams-device.ts';
import { registerBeamsDevice } from '../../demo/beams-device.ts';
import { createSimulatedBrowser } from '../../demo/simulated-browser.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';

describe('classic webhooks that the server sends', () => {
  const authority = createTestAuthority();
  const pushHost = 'updates.push.services.mozilla.com';
  const backendHost = 'backend.customer.example';
  const secret = 'correct-horse-battery';
  const backend = createWebhookReceiver(secret);
  const browser = createSimulatedBrowser('ann', `https://${pushHost}/push/ann`);
  const pushed: object[] = [];
  let front: TlsFront;
  let pharos: PharosProcess;
  let instance: { readonly id: string; readonly secretKey: string };
  let device: BeamsDevice;

  beforeAll(async () => {
    const pushService = ({ body }: { readonly body: Buffer }) => {
      pushed.push(browser.decrypt(body).data.pusher);
      return { status: 201 };
    };
    front = await startTlsFront(authority, { [pushHost]: pushService, [backendHost]: backend.handler });
    pharos = await startPharosProcess({ authority, fronts: [front], webhookRetryDelaysMs: [50, 50] });
    const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'customer' });
    instance = { id: String(id), secretKey: String(secretKey) };
    device = await registerBeamsDevice(pharos.origin, instance.id, browser);
  });
  afterAll(async () => {
    await pharos?.remove();
    await front?.close();
  });

  const pageApi = () => `${pharos.origin}/page_api/v1/instances/${instance.id}`;

  async function relayedEvents(): Promise<unknown> {
    const settings = await (await fetch(`${pageApi()}/page-settings`)).json();
    return (settings as { readonly relayedEvents: unknown }).relayedEvents;
  }

  async function create(fields: object): Promise<string> {
    const response = await fetch(`${pharos.origin}/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Key ${instance.secretKey}` },
      body: JSON.stringify({ app_id: instance.id, include_player_ids: [device.id.slice('web-'.length)], ...fields }),
    });
    expect(response.status).toBe(200);
    return ((await response.json()) as { readonly id: string }).id;
  }

  async function report(id: string, event: string, more: object = {}): Promise<void> {
    const body = { event, publishId: `pubid-${id}`, deviceId: device.id, timestampSecs: 1, ...more };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${pageApi()}/reports`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
  }

  /** What browsers are told about a publish. */
  const pusherOf = (id: string) =>
    waitFor(`the push of ${id}`, () =>
      pushed.find((pusher) => (pusher as { readonly publishId: string }).publishId === `pubid-${id}`),
    );

  test('arrive signed, are repeated, and browsers are told as long as they do', async () => {
    const webhooks = `/instances/${instance.id}/webhooks`;
    expect(await relayedEvents()).toEqual([]);
    const webhook = await pharos.admin('POST', webhooks, {
      url: `https://${backendHost}/classic`,
      format: 'classic',
      events: ['v1.NotificationClicked'],
      secret,
    });
    expect(await relayedEvents()).toEqual(['notification.clicked']);

    const sent = {
      headings: { en: 'Hello' },
      contents: { en: 'World' },
      url: 'https://shop.example/launch',
      data: { order: 7 },
      web_buttons: [{ id: 'like', text: 'Like', url: 'https://shop.example/liked' }],
    };
    const first = await create(sent);
    expect(await pusherOf(first)).toMatchObject({ relayedEvents: ['notification.clicked'] });
    backend.answerNext({ status: 500 });
    await report(first, 'displayed');
    await report(first, 'clicked', { action: 'like' });
    await waitFor('the repeat', () => backend.received.length === 2);
    for (const { request, signatureIsGood } of backend.received) {
      expect(signatureIsGood).toBe(true);
      expect(request.path).toBe('/classic');
      expect(request.headers).toMatchObject({
        'content-type': 'application/json',
        'x-onesignal-event': 'notification.clicked',
        'webhook-id-uuid': webhook['id'],
        'webhook-request-id-uuid': backend.received[0]?.request.headers['webhook-request-id-uuid'],
      });
      expect(JSON.parse(request.body.toString())).toEqual({
        event: 'notification.clicked',
        id: first,
        userId: device.id.slice('web-'.length),
        heading: 'Hello',
        content: 'World',
        url: 'https://shop.example/launch',
        data: { order: 7 },
        action: 'like',
      });
    }

    await pharos.admin('PATCH', `${webhooks}/${String(webhook['id'])}`, { disabled: true });
    expect(await relayedEvents()).toEqual([]);
    const second = await create(sent);
    expect(await pusherOf(second)).toMatchObject({ relayedEvents: [] });
    await report(second, 'clicked');
    const { messages } = (await pharos.admin('GET', `/instances/${instance.id}/messages`)) as { messages: object[] };
    expect(messages).toMatchObject([
      { eventType: 'v1.NotificationClicked', state: 'held', attempts: 0 },
      { eventType: 'v1.NotificationClicked', state: 'delivered', attempts: 2 },
    ]);
  });
});

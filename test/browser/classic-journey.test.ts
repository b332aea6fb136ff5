import PushNotifications from '@pusher/push-notifications-server';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames } from '../support/browser.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';
import { registered, serveClassicPages } from './classic-visit.ts';
import { backendHost, usePharosInBrowser } from './pharos-in-browser.ts';

describe.each(browserNames)('a customer with the classic page API in %s', (browserName) => {
  const backend = createWebhookReceiver('correct-horse-battery');
  const world = usePharosInBrowser(browserName, backend.handler);
  let browser: TestBrowser;
  let pharos: PharosProcess;

  beforeAll(() => {
    ({ browser, pharos } = world());
  });

  test('goes from the first visit to the end', async () => {
    const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'customer' });
    const [instanceId, key] = [String(id), String(secretKey)];
    await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${backendHost}/webhooks`,
      events: [
        'v1.PublishToUsersAttempt',
        'v1.NotificationDisplayed',
        'v1.NotificationClicked',
        'v1.NotificationDismissed',
      ],
      secret: 'correct-horse-battery',
    });
    const site = await serveClassicPages({ origin: pharos.origin, instanceId });
    onTestFinished(() => site.close());
    const { displayed: receiver } = site.receivers;
    const page = await browser.openPage(site.origin);
    onTestFinished(() => page.close());

    async function create(notification: object): Promise<string> {
      const response = await fetch(`${pharos.origin}/api/v1/notifications`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Key ${key}` },
        body: JSON.stringify({ app_id: instanceId, ...notification }),
      });
      expect(response.status).toBe(200);
      return ((await response.json()) as { readonly id: string }).id;
    }
    const relayed = async (event: string, publish: string) => {
      const { json, signatureIsGood } = await backend.waitFor(
        `${event} of ${publish}`,
        ({ eventType, json }) => eventType === event && json?.payload?.['publish_id'] === `pubid-${publish}`,
      );
      expect(signatureIsGood).toBe(true);
      return json?.payload;
    };

    // The visitor is registered, tagged, and claims a name.
    const player = await registered(page);
    await page.evaluate(describeVisitor);

    // Sent to a tag, with a button that is clicked.
    const like = { id: 'like-button', text: 'Like', url: `${site.origin}/liked` };
    const sent = {
      headings: { en: 'To a tag' },
      contents: { en: 'With a button' },
      url: `${site.origin}/launch`,
      data: { key1: 'value1' },
      web_buttons: [like],
    };
    const first = await create({ ...sent, filters: [{ field: 'tag', key: 'level', relation: '>', value: 4 }] });
    browser.desktop.click(await browser.desktop.waitForNotification('To a tag'), 'Like');
    await waitFor("the button's link", () => site.visits.includes('/liked'));
    const told = {
      id: first,
      userId: player,
      heading: 'To a tag',
      content: 'With a button',
      url: `${site.origin}/launch`,
      data: { key1: 'value1' },
    };
    expect(await receiver.bodies(2)).toEqual([
      { event: 'notification.displayed', ...told },
      { event: 'notification.clicked', ...told, action: 'like-button' },
    ]);
    const ids = { instance_id: instanceId, publish_id: `pubid-${first}`, device_id: `web-${player}` };
    expect(await relayed('v1.NotificationDisplayed', first)).toMatchObject(ids);
    expect(await relayed('v1.NotificationClicked', first)).toMatchObject({
      ...ids,
      action: 'like-button',
      url: like.url,
    });

    // Sent to the claimed name, and dismissed.
    const second = await create({
      headings: { en: 'To a name' },
      contents: { en: 'Text' },
      include_external_user_ids: ['ann'],
    });
    browser.desktop.dismiss(await browser.desktop.waitForNotification('To a name'));
    expect(await relayed('v1.NotificationDismissed', second)).toMatchObject({ publish_id: `pubid-${second}` });
    expect((await receiver.bodies(4)).at(-1)).toMatchObject({ event: 'notification.dismissed', id: second });

    // A publish to users does not reach a browser that only claims to be Ann's; with a signed token it does.
    const beams = new PushNotifications({ instanceId, secretKey: key, endpoint: 'localhost', port: pharos.port } as {
      instanceId: string;
      secretKey: string;
    });
    const toUsers = (title: string) => beams.publishToUsers(['ann'], { web: { notification: { title } } });
    const { publishId: claimed } = await toUsers('Not for claimants');
    expect(await relayed('v1.PublishToUsersAttempt', claimed.replace('pubid-', ''))).toMatchObject({
      users_no_devices: ['ann'],
    });
    await page.evaluate(proveUser, beams.generateToken('ann').token);
    const { publishId: proved } = await toUsers('For Ann');
    await browser.desktop.waitForNotification('For Ann');
    expect(await relayed('v1.NotificationDisplayed', proved.replace('pubid-', ''))).toMatchObject({ user_id: 'ann' });
    expect(browser.desktop.shown.map(({ title }) => title)).not.toContain('Not for claimants');

    // Clicks are sent by the server from now on, and by no browser; displays as before.
    await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${backendHost}/classic`,
      format: 'classic',
      events: ['v1.NotificationClicked'],
      secret: 'correct-horse-battery',
    });
    const launch = `${site.origin}/by-server`;
    const third = await create({
      headings: { en: 'By the server' },
      contents: { en: 'Text' },
      url: launch,
      include_player_ids: [player],
    });
    browser.desktop.click(await browser.desktop.waitForNotification('By the server'));
    const { request, signatureIsGood } = await backend.waitFor(
      'the classic webhook',
      (received) => received.request.path === '/classic',
    );
    expect(signatureIsGood).toBe(true);
    expect(request.headers['x-onesignal-event']).toBe('notification.clicked');
    expect(JSON.parse(request.body.toString())).toEqual({
      event: 'notification.clicked',
      id: third,
      userId: player,
      heading: 'By the server',
      content: 'Text',
      url: launch,
      action: '',
    });
    await waitFor('the launch URL', () => site.visits.includes('/by-server'));

    // A visitor who wants none gets none. All that waits has been sent with the display of the last one.
    await create({ headings: { en: 'Last' }, contents: { en: 'Text' }, include_player_ids: [player] });
    await browser.desktop.waitForNotification('Last');
    await page.evaluate(mute);
    expect(await create({ headings: { en: 'Too late' }, contents: { en: 'Text' }, include_player_ids: [player] })).toBe(
      '',
    );
    expect((await receiver.bodies(7)).map(({ event, heading }) => `${String(heading)}: ${String(event)}`)).toEqual([
      'To a tag: notification.displayed',
      'To a tag: notification.clicked',
      'To a name: notification.displayed',
      'To a name: notification.dismissed',
      'For Ann: notification.displayed',
      'By the server: notification.displayed',
      'Last: notification.displayed',
    ]);
  });
});

declare const OneSignal: {
  readonly sendTag: (key: string, value: number) => Promise<unknown>;
  readonly setExternalUserId: (id: string, token?: string) => Promise<void>;
  readonly setSubscription: (enabled: boolean) => Promise<void>;
};

async function describeVisitor(): Promise<void> {
  await OneSignal.sendTag('level', 5);
  await OneSignal.setExternalUserId('ann');
}

const proveUser = (token: string): Promise<void> => OneSignal.setExternalUserId('ann', token);

const mute = (): Promise<void> => OneSignal.setSubscription(false);

import PushNotifications from '@pusher/push-notifications-server';
import type { Page } from 'puppeteer-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames } from '../support/browser.ts';
import type { CustomerSite } from '../support/customer-site.ts';
import { startCustomerSite } from '../support/customer-site.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { createWebhookReceiver } from '../support/webhook-receiver.ts';
import { addInterest, setUser, startSdk, stopSdk } from './page-sdk.ts';
import { backendHost, usePharosInBrowser } from './pharos-in-browser.ts';

/** The service worker files of a site that moved here, by whose worker they import. */
const serviceWorkers: Readonly<Record<string, (origin: string) => string>> = {
  ours: (origin) => `importScripts('${origin}/pharos/worker.js');`,
  official: (origin) => `importScripts('/official-worker.js'); PusherPushNotifications.endpointOverride = '${origin}';`,
};

describe.each(browserNames)('a Beams customer in %s', (browserName) => {
  const webhookSecret = 'correct-horse-battery';
  const backend = createWebhookReceiver(webhookSecret);
  const world = usePharosInBrowser(browserName, backend.handler);
  let browser: TestBrowser;
  let pharos: PharosProcess;

  beforeAll(() => {
    ({ browser, pharos } = world());
  });

  interface Customer {
    readonly instanceId: string;
    readonly beams: PushNotifications;
    readonly site: CustomerSite;
    readonly page: Page;
  }

  /** A customer with an instance, one webhook for everything, and a site whose worker file is this one. */
  async function openCustomer(serviceWorker: string): Promise<Customer> {
    const { id, secretKey } = await pharos.admin('POST', '/instances', { name: 'customer' });
    const instanceId = String(id);
    await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
      url: `https://${backendHost}/webhooks`,
      events: ['v1.PublishToUsersAttempt', 'v1.UserNotificationAcknowledgement', 'v1.UserNotificationOpen'],
      secret: webhookSecret,
    });
    // `port` is missing in the SDK's types.
    const options = { instanceId, secretKey: String(secretKey), endpoint: 'localhost', port: pharos.port };
    const beams = new PushNotifications(options);
    const site = await startCustomerSite({ serviceWorker, authenticate: (userId) => beams.generateToken(userId) });
    onTestFinished(() => site.close());
    const page = await browser.openPage(site.origin);
    onTestFinished(() => page.close());
    return { instanceId, beams, site, page };
  }

  const webhook = async (eventType: string, publishId: string) => {
    const { json, signatureIsGood } = await backend.waitFor(
      `${eventType} of ${publishId}`,
      (received) => received.eventType === eventType && received.json?.payload?.['publish_id'] === publishId,
    );
    expect(signatureIsGood).toBe(true);
    return json?.payload;
  };

  const finished = async (publishId: string) => {
    const { json } = await backend.waitFor(
      `the end of ${publishId}`,
      (received) => received.json?.status === 'FINISHED' && received.json.publishId === publishId,
    );
    return json?.results;
  };

  test.each(Object.keys(serviceWorkers))('goes from start to stop, worker: %s', async (whose) => {
    const { instanceId, beams, site, page } = await openCustomer(serviceWorkers[whose]?.(pharos.origin) ?? '');
    const user = `ann with the ${whose} worker`;
    const webhookUrl = `https://${backendHost}/publishes`;

    const deviceId = await page.evaluate(startSdk, instanceId, pharos.origin);
    const device = `${pharos.origin}/device_api/v1/instances/${instanceId}/devices/web/${deviceId}`;
    expect(await page.evaluate(addInterest, 'news')).toEqual(['news']);
    await page.evaluate(setUser, user);
    expect(await (await fetch(device)).json()).toMatchObject({ id: deviceId, userId: user });

    // To an interest: shown, acknowledged, clicked, opened.
    const news = { title: `News for ${whose}`, body: 'Something happened', deep_link: `${site.origin}/news?id=7` };
    const { publishId } = await beams.publishToInterests(['news'], { webhookUrl, web: { notification: news } });
    const shown = await browser.desktop.waitForNotification(news.title);
    expect(shown.body).toContain(news.body);
    const payload = { instance_id: instanceId, publish_id: publishId, user_id: user };
    expect(await webhook('v1.UserNotificationAcknowledgement', publishId)).toEqual(payload);
    browser.desktop.click(shown);
    await waitFor('the deep link', () => site.visits.includes('/news?id=7'));
    expect(await webhook('v1.UserNotificationOpen', publishId)).toEqual(payload);
    expect(await finished(publishId)).toEqual({ web: { numSuccessfulPublishes: 1, numFailedPublishes: 0 } });
    const { insights } = await pharos.admin('GET', `/instances/${instanceId}/publishes/${publishId}`);
    expect(insights).toEqual({
      web: { triggered: 1, acknowledged: 1, acknowledgementRate: 1, openable: 1, opened: 1, openRate: 1 },
    });

    // To users, one of whom has no device.
    const letter = { title: `Letter for ${whose}`, body: 'Only for Ann' };
    const toUsers = await beams.publishToUsers([user, 'nobody'], { web: { notification: letter } });
    await browser.desktop.waitForNotification(letter.title);
    await webhook('v1.UserNotificationAcknowledgement', toUsers.publishId);
    expect(await webhook('v1.PublishToUsersAttempt', toUsers.publishId)).toEqual({
      instance_id: instanceId,
      publish_id: toUsers.publishId,
      users_delivered_to_gateway: [user],
      users_no_devices: ['nobody'],
      users_gateway_failed: [],
    });

    // After stop() the device is gone, for interests and for the user.
    await page.evaluate(stopSdk);
    expect((await fetch(device)).status).toBe(404);
    const late = { web: { notification: { title: `Late for ${whose}` } } };
    const toNobody = await beams.publishToInterests(['news'], { webhookUrl, ...late });
    expect(await finished(toNobody.publishId)).toEqual({
      web: { numSuccessfulPublishes: 0, numFailedPublishes: 0 },
    });
    const toStopped = await beams.publishToUsers([user], late);
    expect(await webhook('v1.PublishToUsersAttempt', toStopped.publishId)).toMatchObject({ users_no_devices: [user] });
    expect(browser.desktop.shown.map(({ title }) => title)).not.toContain(late.web.notification.title);
  });
});

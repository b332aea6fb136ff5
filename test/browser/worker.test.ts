import { randomUUID } from 'node:crypto';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import webPush from 'web-push';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames, startBrowser } from '../support/browser.ts';
import type { CustomerSite } from '../support/customer-site.ts';
import { startCustomerSite } from '../support/customer-site.ts';
import { RoutedAgent } from '../support/routed-agent.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { hasFocus, setUser, startSdk } from './page-sdk.ts';
import type { StandInServer } from './stand-in-server.ts';
import { startStandInServer } from './stand-in-server.ts';

describe.each(browserNames)('the worker in %s', (browserName) => {
  const authority = createTestAuthority();
  const vapid = webPush.generateVAPIDKeys();
  let browser: TestBrowser;
  let front: TlsFront;

  beforeAll(async () => {
    browser = await startBrowser(browserName, authority);
    const { hosts, handler } = browser.pushService;
    front = await startTlsFront(authority, Object.fromEntries(hosts.map((host) => [host, handler])));
  });

  afterAll(async () => {
    await browser?.close();
    await front?.close();
  });

  interface Visitor {
    readonly instanceId: string;
    readonly site: CustomerSite;
    readonly server: StandInServer;
    readonly page: Page;
    /** Sends a push whose `data.pusher` is added, and returns its publish id. */
    readonly push: (content: { readonly notification?: object; readonly data?: object }) => Promise<string>;
    readonly send: (body: string) => Promise<unknown>;
    readonly report: (event: string, publishId: string) => Promise<StandInServer['reports'][number]>;
  }

  /** A page that has started the official page SDK; `hook` is what the site's worker does besides loading ours. */
  async function visit(hook: (server: StandInServer) => string = () => ''): Promise<Visitor> {
    const server = await startStandInServer(vapid.publicKey);
    onTestFinished(() => server.close());
    const serviceWorker = `importScripts('${server.origin}/pharos/worker.js');\n${hook(server)}`;
    const site = await startCustomerSite({ serviceWorker, authenticate: () => ({ token: 'any' }) });
    onTestFinished(() => site.close());
    const page = await browser.openPage(site.origin);
    onTestFinished(() => page.close());
    const instanceId = randomUUID();
    await page.evaluate(startSdk, instanceId, server.origin);

    const agent = new RoutedAgent(front, authority);
    const vapidDetails = { subject: 'mailto:test@example.com', ...vapid };
    const send = (body: string) => webPush.sendNotification(server.subscription(), body, { agent, vapidDetails });
    return {
      instanceId,
      site,
      server,
      page,
      send,
      async push({ notification = {}, data = {} }) {
        const publishId = `pubid-${randomUUID()}`;
        const pusher = { instanceId, publishId, hasDisplayableContent: true, hasData: false };
        await send(JSON.stringify({ notification, data: { ...data, pusher } }));
        return publishId;
      },
      report: (event, publishId) =>
        waitFor(`the ${event} report`, () =>
          server.reports.find((report) => report.event === event && report.publishId === publishId),
        ),
    };
  }

  test('shows a push, reports it, opens its deep link on a click and reports that', async () => {
    const { site, server, push, report } = await visit();
    const deepLink = `${site.origin}/inbox?from=push`;

    const publishId = await push({ notification: { title: 'Hello', body: 'A body', deep_link: deepLink } });
    const shown = await browser.desktop.waitForNotification('Hello');
    expect(shown.body).toContain('A body');
    const delivery = await report('delivery', publishId);
    expect(delivery).toEqual({
      event: 'delivery',
      publishId,
      deviceId: server.deviceId,
      userId: null,
      appInBackground: false,
      hasDisplayableContent: true,
      hasData: false,
      timestampSecs: expect.closeTo(Date.now() / 1000, -2),
    });

    browser.desktop.click(shown);
    await waitFor('the deep link', () => site.visits.includes('/inbox?from=push'));
    expect(await report('open', publishId)).toMatchObject({ deviceId: server.deviceId });
    await waitFor('the notification to be closed', () => browser.desktop.withdrawn.includes(shown.id));
  });

  test('focuses a tab that already shows the deep link', async () => {
    const { site, push, report } = await visit();

    const publishId = await push({ notification: { title: 'Again', deep_link: site.origin } });
    browser.desktop.click(await browser.desktop.waitForNotification('Again'));
    await report('open', publishId);
    const next = await push({ notification: { title: 'Elsewhere', deep_link: `${site.origin}/elsewhere` } });
    browser.desktop.click(await browser.desktop.waitForNotification('Elsewhere'));
    await report('open', next);
    await waitFor('the second link', () => site.visits.includes('/elsewhere'));
    expect(site.visits).toEqual(['/', '/elsewhere']);
  });

  test('names the user whom the page has set', async () => {
    const { page, push, report } = await visit();
    await page.evaluate(setUser, 'ann');

    const publishId = await push({ notification: { title: 'For Ann' } });
    expect(await report('delivery', publishId)).toMatchObject({ userId: 'ann' });
  });

  test('lets the site change a notification', async () => {
    const { server, push, report } = await visit(
      () => `PusherPushNotifications.onNotificationReceived = ({ payload, pushEvent, handleNotification, statePromise }) => {
        pushEvent.waitUntil(statePromise.then((state) => {
          payload.notification.title = [payload.data.order, Object.keys(payload.data), state.deviceId].join(' ');
          return handleNotification(payload);
        }));
      };`,
    );

    const publishId = await push({ notification: { title: 'Before' }, data: { order: 17 } });
    await report('delivery', publishId);
    await browser.desktop.waitForNotification(`17 order ${server.deviceId}`);
    expect(browser.desktop.shown.map(({ title }) => title)).not.toContain('Before');
  });

  test('hides a notification while the site has the focus, and reports it all the same', async () => {
    const { page, push, report } = await visit();
    await page.bringToFront();
    await waitFor('the focus', () => page.evaluate(hasFocus));

    const hidden = { title: 'Hidden', hide_notification_if_site_has_focus: true };
    await report('delivery', await push({ notification: hidden }));
    await push({ notification: { title: 'Not hidden' } });
    await browser.desktop.waitForNotification('Not hidden');
    expect(browser.desktop.shown.map(({ title }) => title)).not.toContain('Hidden');
  });

  test('reports to the endpointOverride of the site', async () => {
    const other = await startStandInServer(vapid.publicKey);
    onTestFinished(() => other.close());
    const { server, push } = await visit(() => `PusherPushNotifications.endpointOverride = '${other.origin}';`);

    const publishId = await push({ notification: { title: 'Reported elsewhere' } });
    await waitFor('the report', () => other.reports.some((report) => report.publishId === publishId));
    expect(server.reports).toEqual([]);
  });

  test('shows notifications and opens links while reports fail', async () => {
    const { site, server, push } = await visit();
    await server.close();

    await push({ notification: { title: 'No server', deep_link: `${site.origin}/without-server` } });
    browser.desktop.click(await browser.desktop.waitForNotification('No server'));
    await waitFor('the deep link', () => site.visits.includes('/without-server'));
    expect(server.reports).toEqual([]);
  });

  test('leaves the pushes of other senders alone', async () => {
    const { server, send, push, report } = await visit(
      () => `addEventListener('push', (event) => {
        const text = event.data.text();
        if (!text.includes('pusher')) event.waitUntil(registration.showNotification('Other: ' + text));
      });`,
    );

    for (const body of ['not JSON', 'null', '{"notification":{"title":"theirs"}}', '{"data":"text"}']) {
      await send(body);
      await browser.desktop.waitForNotification(`Other: ${body}`);
    }
    const publishId = await push({ notification: { title: 'Ours' } });
    await report('delivery', publishId);
    expect(server.reports).toHaveLength(1);
    expect(browser.desktop.shown.map(({ title }) => title)).not.toContain('theirs');
  });
});

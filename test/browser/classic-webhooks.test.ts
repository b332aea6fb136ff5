import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import webPush from 'web-push';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames, startBrowser } from '../support/browser.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { documentedBody, documentedHeaders } from './classic-page.ts';
import type { ClassicSite, Sender, SiteOptions } from './classic-visit.ts';
import { createSender, registered, startClassicSite } from './classic-visit.ts';
import { allowCrossOrigin } from './plain-receiver.ts';

const documented = documentedBody(false);
const { heading: title, content: body, url: deep_link, icon, data, id: publishId } = documented;
const full = { notification: { title, body, deep_link, icon }, data, publishId };

describe.each(browserNames)('classic webhooks in %s', (browserName) => {
  const authority = createTestAuthority();
  const vapid = webPush.generateVAPIDKeys();
  let browser: TestBrowser;
  let front: TlsFront;
  let sender: Sender;

  beforeAll(async () => {
    browser = await startBrowser(browserName, authority);
    const { hosts, handler } = browser.pushService;
    front = await startTlsFront(authority, Object.fromEntries(hosts.map((host) => [host, handler])));
    sender = createSender(browser, front, authority, vapid);
  });

  afterAll(async () => {
    await browser?.close();
    await front?.close();
  });

  async function visit(options: Omit<SiteOptions, 'vapid'> = {}): Promise<{ site: ClassicSite; page: Page }> {
    const site = await startClassicSite({ vapid, ...options });
    onTestFinished(() => site.close());
    if (options.cors)
      for (const receiver of Object.values(site.receivers))
        receiver.answer = () => ({ status: 200, headers: allowCrossOrigin });
    const page = await browser.openPage(site.origin);
    onTestFinished(() => page.close());
    await registered(page);
    return { site, page };
  }

  describe.each([false, true])('with cors: %s', (cors) => {
    test('displayed and clicked are what is documented, key by key and header by header', async () => {
      const { site } = await visit({ cors });
      const { displayed: receiver } = site.receivers;
      browser.desktop.click(await sender.show(site, full));
      await receiver.bodies(2);

      const { action, ...rest } = documentedBody(cors);
      const bodies = [
        { ...rest, event: 'notification.displayed' },
        { ...rest, event: 'notification.clicked', action },
      ];
      expect(receiver.received).toEqual(
        bodies.map((expected) => ({
          method: 'POST',
          path: '/hook',
          headers: documentedHeaders(cors, expected.event),
          body: JSON.stringify(expected),
        })),
      );
      expect(receiver.preflights.length > 0).toBe(cors);
    });

    test('dismissed is what is documented', async () => {
      const { site } = await visit({ cors });
      const { displayed: receiver } = site.receivers;
      browser.desktop.dismiss(await sender.show(site, full));
      await receiver.bodies(2);

      const { action, ...rest } = documentedBody(cors);
      expect(action).toBe('');
      expect(receiver.received[1]).toEqual({
        method: 'POST',
        path: '/hook',
        headers: documentedHeaders(cors, 'notification.dismissed'),
        body: JSON.stringify({ ...rest, event: 'notification.dismissed' }),
      });
    });
  });
});

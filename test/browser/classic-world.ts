import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import webPush from 'web-push';
import type { BrowserName, TestBrowser } from '../support/browser.ts';
import { startBrowser } from '../support/browser.ts';
import type { Desktop } from '../support/desktop.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import type { ClassicSite, Sender, SiteOptions } from './classic-visit.ts';
import { createSender, registered, startClassicSite } from './classic-visit.ts';
import { allowCrossOrigin } from './plain-receiver.ts';

export interface ClassicWorld extends Sender {
  readonly desktop: () => Desktop;
  readonly openPage: TestBrowser['openPage'];
  readonly allowBackgroundSync: TestBrowser['allowBackgroundSync'];
  readonly loseSubscription: TestBrowser['loseSubscription'];
  /** A site of its own, until the test has finished; receivers allow CORS when the site wants it. */
  readonly open: (options?: Partial<SiteOptions>) => Promise<ClassicSite>;
  /** The same with a page whose visitor is registered. */
  readonly visit: (options?: Partial<SiteOptions>) => Promise<{ site: ClassicSite; page: Page }>;
}

/** One browser for the tests of a suite. */
export function useClassicWorld(browserName: BrowserName): ClassicWorld {
  const authority = createTestAuthority();
  const vapid = webPush.generateVAPIDKeys();
  let browser: TestBrowser;
  let front: TlsFront;
  let sender: Sender;

  beforeAll(async () => {
    browser = await startBrowser(browserName, authority);
    const { hosts, handler } = browser.pushService;
    front = await startTlsFront(authority, Object.fromEntries(hosts.map((host) => [host, handler])));
    sender = createSender(browser.desktop, front, authority, vapid);
  });

  afterAll(async () => {
    await browser?.close();
    await front?.close();
  });

  const openPage = async (url: string): Promise<Page> => {
    const page = await browser.openPage(url);
    onTestFinished(() => page.close());
    return page;
  };

  async function open(options: Partial<SiteOptions> = {}): Promise<ClassicSite> {
    const site = await startClassicSite({ vapid, ...options });
    onTestFinished(() => site.close());
    if (options.cors)
      for (const receiver of Object.values(site.receivers))
        receiver.answer = () => ({ status: 200, headers: allowCrossOrigin });
    return site;
  }

  return {
    desktop: () => browser.desktop,
    openPage,
    allowBackgroundSync: (origin) => browser.allowBackgroundSync(origin),
    loseSubscription: (page) => browser.loseSubscription(page),
    open,
    async visit(options) {
      const site = await open(options);
      const page = await openPage(site.origin);
      await registered(page);
      return { site, page };
    },
    send: (site, content) => sender.send(site, content),
    show: (site, content) => sender.show(site, content),
  };
}

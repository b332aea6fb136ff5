import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DemoSite } from '../../demo/site/start-demo-site.ts';
import { startDemoSite } from '../../demo/site/start-demo-site.ts';
import type { TestBrowser } from '../support/browser.ts';
import { browserNames, startBrowser } from '../support/browser.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';

describe.each(browserNames)('the demo site in %s', (browserName) => {
  const authority = createTestAuthority();
  const backendHost = 'backend.demo.example';
  let browser: TestBrowser;
  let front: TlsFront;
  let pharos: PharosProcess;
  let site: DemoSite;

  beforeAll(async () => {
    browser = await startBrowser(browserName, authority);
    const { hosts, handler } = browser.pushService;
    front = await startTlsFront(authority, {
      ...Object.fromEntries(hosts.map((host) => [host, handler])),
      [backendHost]: (request) => site.receiveWebhook(request),
    });
    pharos = await startPharosProcess({ authority, fronts: [front] });
    site = await startDemoSite({ pharos, webhookUrl: `https://${backendHost}/webhooks` });
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await pharos?.remove();
    await front?.close();
  });

  test('a visitor of the demo subscribes, sends, clicks a button and sees the webhooks arrive', async () => {
    const page = await browser.openPage(site.origin);
    const shows = (selector: string, text: string) =>
      waitFor(`"${text}" in ${selector}`, async () =>
        (await textsOf(page, selector)).some((one) => one.includes(text)),
      );
    expect(await violations(page)).toEqual([]);

    // This browser has been allowed already, so the visit has subscribed it; it leaves and comes back.
    await shows('#status', 'You are subscribed.');
    await page.click('#subscribe');
    await shows('#status', 'You are not subscribed.');
    await page.click('#subscribe');
    await shows('#status', 'You are subscribed.');

    await page.click('#send');
    const notification = await browser.desktop.waitForNotification('Hello from the lighthouse');
    browser.desktop.click(notification, 'Like');
    const server = (event: string) => `server v1.Notification${event} (signature good)`;
    const expected = ['browser notification.displayed', 'browser notification.clicked', server('Displayed')];
    for (const webhook of [...expected, server('Clicked')]) await shows('#webhooks > li', webhook);
    const bodies = (await textsOf(page, '#webhooks pre')).map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(bodies).toContainEqual(expect.objectContaining({ event: 'notification.clicked', action: 'like' }));

    // The debugger of Firefox cannot choose colours.
    const schemes = browserName === 'chromium' ? ['light', 'dark'] : [];
    await page.$$eval('details', (all) => all.forEach((one) => one.setAttribute('open', '')));
    for (const width of [1280, 360]) {
      await page.setViewport({ width, height: 900 });
      for (const scheme of schemes) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        expect(await violations(page), `${scheme}, ${width} px`).toEqual([]);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    }
  });
});

const textsOf = (page: Page, selector: string): Promise<string[]> =>
  page.$$eval(selector, (found) => found.map(({ textContent }) => textContent ?? ''));

/** What axe finds, in short; it is run by the browser's debugger, which the page's policy does not bind. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

import type { Browser, Page } from 'puppeteer-core';
import { waitFor } from './wait-for.ts';

/**
 * A visitor takes the permission back and gives it again, in Chromium's settings. What the debugger decides about permissions
 * is no such choice, and is given up for all sites.
 */
export async function blockAndAllowNotifications(browser: Browser, page: Page): Promise<void> {
  const { origin } = new URL(page.url());
  const settings = await browser.newPage();
  await settings.goto(`chrome://settings/content/siteDetails?site=${encodeURIComponent(origin)}`);
  const choose = (choice: string) =>
    settings.evaluate(`chrome.send('setOriginPermissions', ['${origin}/', 'notifications', '${choice}'])`);
  await choose('allow');
  await browser.defaultBrowserContext().clearPermissionOverrides();
  await waitFor('the permission', async () => (await page.evaluate('Notification.permission')) === 'granted');
  await choose('block');
  await waitFor('the end of the subscription', async () => !(await page.evaluate(hasSubscription)));
  await choose('allow');
  await settings.close();
}

const hasSubscription = `navigator.serviceWorker.ready
  .then(({ pushManager }) => pushManager.getSubscription())
  .then((subscription) => subscription !== null)`;

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Browser, Page } from 'puppeteer-core';
import puppeteer from 'puppeteer-core';
import { startChromiumPushService } from './chromium-push-service.ts';
import { blockAndAllowNotifications } from './chromium-settings.ts';
import type { Desktop } from './desktop.ts';
import { startDesktop } from './desktop.ts';
import { startFirefoxPushService } from './firefox-push-service.ts';
import type { PushService } from './push-service.ts';
import type { TestAuthority } from './test-authority.ts';

export type BrowserName = 'firefox' | 'chromium';
export const browserNames: readonly BrowserName[] = ['firefox', 'chromium'];

/** A real headless browser with its own push service and its own desktop. */
export interface TestBrowser {
  readonly name: BrowserName;
  readonly desktop: Desktop;
  readonly pushService: PushService;
  /** Opens a page whose origin may show notifications. */
  readonly openPage: (url: string) => Promise<Page>;
  /** What every visitor's Chromium allows, and ours refuses as long as only notifications are asked for. */
  readonly allowBackgroundSync: (origin: string) => Promise<void>;
  /** Brings about what makes this browser drop the push subscription of a page's site by itself. */
  readonly loseSubscription: (page: Page) => Promise<void>;
  /** SIGKILL: the browser has no time to write anything down. Then `close` what is left. */
  readonly kill: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** `profile`: a folder whose content outlives the browser; by default a fresh one. */
export async function startBrowser(
  name: BrowserName,
  authority: TestAuthority,
  profile?: string,
): Promise<TestBrowser> {
  const desktop = await startDesktop();
  const launch = profile === undefined ? {} : { userDataDir: profile };
  const { browser, pushService, loseSubscription } = await (name === 'firefox'
    ? startFirefox(desktop.busAddress, launch)
    : startChromium(desktop.busAddress, authority, launch));
  return {
    name,
    desktop,
    pushService,
    async openPage(url) {
      if (name === 'chromium')
        await browser.defaultBrowserContext().overridePermissions(new URL(url).origin, ['notifications']);
      const page = await browser.newPage();
      await page.goto(url);
      return page;
    },
    allowBackgroundSync: (origin) =>
      browser.defaultBrowserContext().overridePermissions(origin, ['notifications', 'background-sync']),
    loseSubscription,
    async kill() {
      const process = browser.process();
      if (!process) throw new Error('the browser has no process of its own');
      process.kill('SIGKILL');
      if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
    },
    async close() {
      await browser.close().catch(() => undefined); // killed already
      await pushService.close();
      await desktop.stop();
    },
  };
}

/** Where Debian puts the browsers; the first that exists. */
export const executables: Readonly<Record<BrowserName, readonly string[]>> = {
  firefox: ['/usr/bin/firefox-esr', '/usr/bin/firefox'],
  chromium: ['/usr/bin/chromium', '/usr/bin/google-chrome'],
};

function executable(name: BrowserName): string {
  const path = executables[name].find(existsSync);
  if (!path) throw new Error(`no ${name} at ${executables[name].join(' or ')}`);
  return path;
}

type Profile = { readonly userDataDir?: string };

interface Started {
  readonly browser: Browser;
  readonly pushService: PushService;
  readonly loseSubscription: (page: Page) => Promise<void>;
}

async function startFirefox(busAddress: string, launch: Profile): Promise<Started> {
  const pushService = await startFirefoxPushService();
  const browser = await puppeteer.launch({
    ...launch,
    browser: 'firefox',
    executablePath: executable('firefox'),
    headless: true,
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress },
    extraPrefsFirefox: {
      'dom.push.connection.enabled': true, // automation turns it off
      'dom.push.serverURL': pushService.webSocketUrl,
      'dom.push.testing.allowInsecureServerURL': true,
      'dom.push.retryBaseInterval': 200,
      'permissions.default.desktop-notification': 1,
      'alerts.useSystemBackend': true,
      'network.dns.disabled': true, // no host outside is looked up; localhost still works
    },
  });
  return { browser, pushService, loseSubscription: async () => pushService.forgetBrowsers() };
}

async function startChromium(busAddress: string, authority: TestAuthority, launch: Profile): Promise<Started> {
  const pushService = await startChromiumPushService(authority);
  const browser = await puppeteer.launch({
    ...launch,
    executablePath: executable('chromium'),
    headless: true,
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress },
    args: [
      ...pushService.chromiumArgs,
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  });
  return { browser, pushService, loseSubscription: (page) => blockAndAllowNotifications(browser, page) };
}

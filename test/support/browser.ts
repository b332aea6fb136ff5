import { existsSync } from 'node:fs';
import type { Browser, Page } from 'puppeteer-core';
import puppeteer from 'puppeteer-core';
import { startChromiumPushService } from './chromium-push-service.ts';
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
  readonly close: () => Promise<void>;
}

export async function startBrowser(name: BrowserName, authority: TestAuthority): Promise<TestBrowser> {
  const desktop = await startDesktop();
  const { browser, pushService } = await (name === 'firefox'
    ? startFirefox(desktop.busAddress)
    : startChromium(desktop.busAddress, authority));
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
    async close() {
      await browser.close();
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

interface Started {
  readonly browser: Browser;
  readonly pushService: PushService;
}

async function startFirefox(busAddress: string): Promise<Started> {
  const pushService = await startFirefoxPushService();
  const browser = await puppeteer.launch({
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
  return { browser, pushService };
}

async function startChromium(busAddress: string, authority: TestAuthority): Promise<Started> {
  const pushService = await startChromiumPushService(authority);
  const browser = await puppeteer.launch({
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
  return { browser, pushService };
}

import { randomUUID } from 'node:crypto';
import type { Page } from 'puppeteer-core';
import webPush from 'web-push';
import type { Desktop, ShownNotification } from '../support/desktop.ts';
import type { LocalServer } from '../support/http-server.ts';
import { startHttpServer } from '../support/http-server.ts';
import { RoutedAgent } from '../support/routed-agent.ts';
import type { TestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import type { PlainReceiver } from './plain-receiver.ts';
import { startPlainReceiver } from './plain-receiver.ts';
import { documentedBody, documentedInit } from './classic-page.ts';
import type { StandInServer } from './stand-in-server.ts';
import { startStandInServer } from './stand-in-server.ts';

/** A site that uses the classic page API, under a strict Content-Security-Policy. */
export interface ClassicPages {
  readonly origin: string;
  readonly receivers: Readonly<Record<'displayed' | 'clicked' | 'dismissed', PlainReceiver>>;
  /** Path and query of every request for a page, in order. */
  readonly visits: readonly string[];
  /** Replaces the page's own script, `/site.js`. */
  readonly replaceScript: (script: string) => void;
  readonly close: () => Promise<void>;
}

export interface PagesOptions {
  readonly cors?: boolean;
  /** Every event to one URL, or to one each. */
  readonly receivers?: 'one' | 'three';
  /** More of the site's own script; runs before ours is loaded, after the documented `init`. */
  readonly script?: string;
  /** In place of the documented `init`. */
  readonly init?: string;
  /** More of the site's worker file. */
  readonly worker?: string;
}

export async function serveClassicPages(
  { origin, instanceId }: { readonly origin: string; readonly instanceId: string },
  { cors = false, receivers: count = 'one', script = '', init, worker = '' }: PagesOptions = {},
): Promise<ClassicPages> {
  const first = await startPlainReceiver();
  const [second, third] = count === 'one' ? [first, first] : [await startPlainReceiver(), await startPlainReceiver()];
  const receivers = { displayed: first, clicked: second, dismissed: third };
  const urls = { displayed: first.url, clicked: second.url, dismissed: third.url };
  const call = init ?? documentedInit({ appId: instanceId, cors, ...urls });
  const files = new Map([
    ['/site.js', `var OneSignal = window.OneSignal || [];\n${call}\n${script}`],
    ['/OneSignalSDKWorker.js', `importScripts('${origin}/pharos/worker.js');\n${worker}`],
  ]);
  const hooks = [...new Set([first.url, second.url, third.url].map((url) => new URL(url).origin))].join(' ');
  // What the README tells sites: nothing more is needed.
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${origin}`,
    "worker-src 'self'",
    `connect-src ${origin} ${hooks}`,
  ].join('; ');
  const visits: string[] = [];
  const site: LocalServer = await startHttpServer(({ path }) => {
    const name = new URL(path, 'http://site').pathname;
    const headers = { 'content-security-policy': policy };
    const file = files.get(name);
    if (file !== undefined)
      return { status: 200, headers: { ...headers, 'content-type': 'text/javascript' }, body: file };
    if (/\.(js|ico|png)$/.test(name))
      return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Not found' };
    visits.push(path);
    const body = `<!doctype html><html lang="en"><title>A classic site</title>
<script src="/site.js"></script><script src="${origin}/pharos/page.js" async></script></html>`;
    return { status: 200, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body };
  });
  return {
    origin: site.origin,
    receivers,
    visits,
    replaceScript: (content) => void files.set('/site.js', content),
    async close() {
      const all = [site, ...new Set([first, second, third])];
      await Promise.all(all.map((one) => one.close().catch(() => undefined)));
    },
  };
}

/** The same, and a stand-in for our server that knows what the browser has told it. */
export interface ClassicSite extends ClassicPages {
  readonly instanceId: string;
  readonly server: StandInServer;
}

export interface SiteOptions extends PagesOptions {
  readonly vapid: { readonly publicKey: string; readonly privateKey: string };
}

export async function startClassicSite({ vapid, ...options }: SiteOptions): Promise<ClassicSite> {
  const instanceId = randomUUID();
  const server = await startStandInServer(vapid.publicKey, `web-${documentedBody(false).userId}`);
  const pages = await serveClassicPages({ origin: server.origin, instanceId }, options);
  return {
    ...pages,
    instanceId,
    server,
    close: async () => void (await Promise.all([pages.close(), server.close().catch(() => undefined)])),
  };
}

declare const OneSignal: { readonly getUserId?: () => Promise<string | null> };

/** Resolves with the player id once the page is registered; rejects with what the page said when that fails. */
export async function registered(page: Page): Promise<string> {
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  return waitFor('the registration', () => page.evaluate(playerId)).catch((cause: unknown) => {
    throw new Error(`the page did not register: ${said.join('\n')}`, { cause });
  });
}

/** Null while nobody can say. */
const playerId = (): Promise<string | null> =>
  Promise.race([
    OneSignal.getUserId?.() ?? Promise.resolve(null),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), 200)),
  ]);

export interface Sender {
  /** Sends a push in our envelope. */
  readonly send: (site: ClassicSite, content: PushContent) => Promise<void>;
  /** Sends it and waits until it is on the desktop. */
  readonly show: (site: ClassicSite, content: PushContent) => Promise<ShownNotification>;
}

export interface PushContent {
  readonly notification: Readonly<Record<string, unknown>> & { readonly title?: string };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly publishId?: string;
  readonly relayedEvents?: readonly string[];
}

export function createSender(
  desktop: Desktop,
  front: TlsFront,
  authority: TestAuthority,
  vapid: SiteOptions['vapid'],
): Sender {
  const agent = new RoutedAgent(front, authority);
  const vapidDetails = { subject: 'mailto:test@example.com', ...vapid };
  async function send(site: ClassicSite, content: PushContent): Promise<void> {
    const { notification, data = {}, publishId = randomUUID(), relayedEvents } = content;
    const pusher = {
      instanceId: site.instanceId,
      publishId: `pubid-${publishId}`,
      hasDisplayableContent: true,
      hasData: Object.keys(data).length > 0,
      ...(relayedEvents && { relayedEvents }),
    };
    const body = JSON.stringify({ notification, data: { ...data, pusher } });
    await webPush.sendNotification(site.server.subscription(), body, { agent, vapidDetails });
  }
  return {
    send,
    async show(site, content) {
      const before = desktop.shown.length;
      await send(site, content);
      const { title } = content.notification;
      // Browsers put something of their own in place of a missing title.
      return waitFor(`"${title}" on the desktop`, () =>
        desktop.shown.slice(before).find((shown) => title === undefined || shown.title === title),
      );
    },
  };
}

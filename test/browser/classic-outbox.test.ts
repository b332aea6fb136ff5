import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import webPush from 'web-push';
import type { ShownNotification } from '../support/desktop.ts';
import type { Answer } from '../support/http-handler.ts';
import { browserNames, startBrowser } from '../support/browser.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import type { ClassicSite, PushContent } from './classic-visit.ts';
import { createSender, registered, startClassicSite } from './classic-visit.ts';
import { useClassicWorld } from './classic-world.ts';
import type { PlainReceiver } from './plain-receiver.ts';
import { allowCrossOrigin } from './plain-receiver.ts';

const never = new Promise<Answer>(() => undefined);

const titled = (title: string): PushContent => ({ notification: { title } });

const told = ({ received }: PlainReceiver): string[] =>
  received.map(({ body }) => {
    const { heading, event } = JSON.parse(body) as { heading: string; event: string };
    return `${heading} ${event.replace('notification.', '')}`;
  });

/** What was told, once it is this much; more is seen when a later visit or push has sent all that waits. */
async function toldBy(receiver: PlainReceiver, count: number): Promise<string[]> {
  await waitFor(`${count} requests, there are: ${told(receiver).join(', ')}`, () => told(receiver).length >= count);
  return told(receiver);
}

describe.each(browserNames)('what could not be sent in %s', (browserName) => {
  const world = useClassicWorld(browserName);

  /** All went well so far, as the server was told. */
  const reported = (site: ClassicSite, event: string) =>
    waitFor(`the report that it was ${event}`, () =>
      site.server.pageCalls.some((call) => call.body['event'] === event),
    );

  describe('waits, and goes out in order with', () => {
    test.each([
      { trigger: 'a page view', act: ({ page }: Acting) => page.reload() },
      { trigger: 'the browser coming online', act: ({ page }: Acting) => page.evaluate(comeOnline) },
      { trigger: 'a push', act: ({ site }: Acting) => world.show(site, titled('Later')), after: ['Later displayed'] },
      { trigger: 'a click', act: ({ open }: Acting) => world.desktop().click(open), after: ['Open clicked'] },
    ])('$trigger', async ({ act, after = [] }) => {
      const { site, page } = await world.visit();
      const { displayed: receiver } = site.receivers;
      const open = await world.show(site, titled('Open'));
      await toldBy(receiver, 1);
      await receiver.goDown();
      world.desktop().click(await world.show(site, titled('Early')));
      await reported(site, 'clicked');
      await receiver.comeUp();
      await act({ site, page, open });
      const all = ['Open displayed', 'Early displayed', 'Early clicked', ...after];
      expect(await toldBy(receiver, all.length)).toEqual(all);
    });

    // Firefox has none. The receiver is well again by itself, as nothing else may set off a flush.
    test.runIf(browserName === 'chromium')('background sync', async () => {
      const { site, page } = await world.visit({ worker: tellingSyncs });
      await world.allowBackgroundSync(site.origin);
      const { displayed: receiver } = site.receivers;
      receiver.answer = () => ({ status: receiver.received.length > 1 ? 200 : 500, headers: allowCrossOrigin });
      await page.evaluate(addWaiting, receiver.url, 'cors', [{ heading: 'Waiting', ageMs: 0 }]);
      await page.evaluate(flushAndCollectSyncs);
      expect(await toldBy(receiver, 2)).toEqual(['Waiting displayed', 'Waiting displayed']);
      await waitFor('the sync', async () => (await page.evaluate(collectedSyncs)).includes('pharos-outbox'));
    });
  });

  test('waits up to seven days, 200 events a URL', async () => {
    const { site, page } = await world.visit({ receivers: 'three' });
    const { displayed, clicked } = site.receivers;
    await displayed.goDown();
    const dayMs = 24 * 3_600_000;
    const items = Array.from({ length: 200 }, (_, index) => ({ heading: `Item ${index}`, ageMs: 6 * dayMs }));
    await page.evaluate(addWaiting, displayed.url, 'no-cors', items);
    await page.evaluate(addWaiting, clicked.url, 'no-cors', [
      { heading: 'Too old', ageMs: 8 * dayMs },
      { heading: 'Six days old', ageMs: 6 * dayMs },
    ]);
    world.desktop().click(await world.show(site, titled('New')));
    expect(await toldBy(clicked, 2)).toEqual(['Six days old displayed', 'New clicked']);
    const kept = items.slice(1).map(({ heading }) => heading);
    expect(await page.evaluate(listWaiting, displayed.url)).toEqual([...kept, 'New']);
  });

  test('with cors, an answer of 500 is no success', async () => {
    const { site, page } = await world.visit({ cors: true });
    const { displayed: receiver } = site.receivers;
    receiver.answer = ({ method }) => ({ status: method === 'OPTIONS' ? 200 : 500, headers: allowCrossOrigin });
    await world.show(site, titled('Refused'));
    await waitFor('the first attempt', () => receiver.received.length > 0);
    receiver.answer = () => ({ status: 200, headers: allowCrossOrigin });
    await page.reload();
    await waitFor('the repeat', () => receiver.received.length > 1);
    expect(new Set(told(receiver))).toEqual(new Set(['Refused displayed']));
  });

  test('without cors, an answer of 500 looks like success', async () => {
    const { site, page } = await world.visit();
    const { displayed: receiver } = site.receivers;
    receiver.answer = () => ({ status: 500 });
    await world.show(site, titled('Opaque'));
    expect(await toldBy(receiver, 1)).toEqual(['Opaque displayed']);
    await page.reload();
    await world.show(site, titled('Next'));
    expect(await toldBy(receiver, 2)).toEqual(['Opaque displayed', 'Next displayed']);
  });

  test('with cors, a refused preflight lets nothing through until it is granted', async () => {
    const { site, page } = await world.visit({ cors: true });
    const { displayed: receiver } = site.receivers;
    receiver.answer = () => ({ status: 403 });
    await world.show(site, titled('Preflight'));
    await waitFor('the preflight', () => receiver.preflights.length > 0);
    receiver.answer = () => ({ status: 200, headers: allowCrossOrigin });
    await page.reload();
    expect(await toldBy(receiver, 1)).toEqual(['Preflight displayed']);
  });

  describe('delays nothing else when a URL', () => {
    const troubles: Readonly<Record<string, (receiver: PlainReceiver) => unknown>> = {
      'is dead': (receiver) => receiver.goDown(),
      'never answers': (receiver) => (receiver.answer = () => never),
      'refuses the preflight': (receiver) => (receiver.answer = () => ({ status: 403 })),
    };
    test.each(Object.keys(troubles))('%s', async (trouble) => {
      const { site } = await world.visit({ cors: true, receivers: 'three' });
      await troubles[trouble]?.(site.receivers.displayed);
      const link = `${site.origin}/opened`;
      world.desktop().click(await world.show(site, { notification: { title: 'Clicked', deep_link: link } }));
      expect(await toldBy(site.receivers.clicked, 1)).toEqual(['Clicked clicked']);
      await waitFor('the link', () => site.visits.includes('/opened'));
      await reported(site, 'clicked');
      world.desktop().dismiss(await world.show(site, titled('Closed')));
      expect(await toldBy(site.receivers.dismissed, 1)).toEqual(['Closed dismissed']);
    });
  });
});

describe.each(browserNames)('a killed %s', (browserName) => {
  const authority = createTestAuthority();
  const vapid = webPush.generateVAPIDKeys();

  /** Starts the browser on one profile again and again. */
  async function openProfile(site: ClassicSite) {
    const profile = mkdtempSync(join(tmpdir(), 'pharos-profile-'));
    onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
    return async () => {
      const browser = await startBrowser(browserName, authority, profile);
      onTestFinished(() => browser.close());
      const { hosts, handler } = browser.pushService;
      const front = await startTlsFront(authority, Object.fromEntries(hosts.map((host) => [host, handler])));
      onTestFinished(() => front.close());
      const page = await browser.openPage(site.origin);
      const { show } = createSender(browser.desktop, front, authority, vapid);
      return { browser, page, show };
    };
  }

  test('sends what waits when it is back', async () => {
    const site = await startClassicSite({ vapid });
    onTestFinished(() => site.close());
    const { displayed: receiver } = site.receivers;
    const start = await openProfile(site);

    const first = await start();
    await registered(first.page);
    await receiver.goDown();
    first.browser.desktop.click(await first.show(site, titled('Before')));
    await waitFor('the click', () => site.server.pageCalls.some((call) => call.body['event'] === 'clicked'));
    await first.browser.kill();

    await receiver.comeUp();
    await start();
    expect(await toldBy(receiver, 2)).toEqual(['Before displayed', 'Before clicked']);
  });

  test('repeats a request at most once when nobody knows what came of it', async () => {
    const site = await startClassicSite({ vapid });
    onTestFinished(() => site.close());
    const { displayed: receiver } = site.receivers;
    const start = await openProfile(site);
    receiver.answer = () => never;

    const first = await start();
    await registered(first.page);
    await first.show(site, titled('Unknown'));
    expect(await toldBy(receiver, 1)).toEqual(['Unknown displayed']);
    await first.browser.kill();

    const second = await start();
    expect(await toldBy(receiver, 2)).toEqual(['Unknown displayed', 'Unknown displayed']);
    await second.browser.kill();

    receiver.answer = () => ({ status: 200 });
    const third = await start();
    await registered(third.page);
    await third.show(site, titled('Next'));
    expect(await toldBy(receiver, 3)).toEqual(['Unknown displayed', 'Unknown displayed', 'Next displayed']);
  });
});

interface Acting {
  readonly site: ClassicSite;
  readonly page: Page;
  /** A notification that is on the desktop. */
  readonly open: ShownNotification;
}

/** Registered beside ours in the site's worker file. */
const tellingSyncs = `addEventListener('sync', async ({ tag }) => {
  for (const client of await clients.matchAll({ includeUncontrolled: true })) client.postMessage({ sync: tag });
});`;

declare const window: { syncs: string[]; readonly dispatchEvent: (event: Event) => void };
declare const navigator: {
  readonly serviceWorker: {
    readonly ready: Promise<{ readonly active: { readonly postMessage: (message: object) => void } }>;
    readonly addEventListener: (event: string, listener: (event: { readonly data: { sync?: string } }) => void) => void;
  };
};

interface Request<Result> {
  readonly result: Result;
  onsuccess: () => void;
}
interface Store {
  readonly add: (item: object) => unknown;
  readonly getAll: () => Request<{ readonly url: string; readonly body: string }[]>;
}
declare const indexedDB: {
  readonly open: (name: string) => Request<{
    readonly transaction: (name: string, mode?: string) => { readonly objectStore: (name: string) => Store };
    readonly close: () => void;
  }>;
};

const comeOnline = (): void => window.dispatchEvent(new Event('online'));

async function flushAndCollectSyncs(): Promise<void> {
  window.syncs = [];
  navigator.serviceWorker.addEventListener('message', ({ data }) => data.sync && window.syncs.push(data.sync));
  (await navigator.serviceWorker.ready).active.postMessage({ pharos: 'flush' });
}

const collectedSyncs = (): string[] => window.syncs;

/** Puts displayed events into an outbox, as if they had been waiting there. */
async function addWaiting(url: string, mode: string, items: { heading: string; ageMs: number }[]): Promise<void> {
  const opening = indexedDB.open('pharos');
  await new Promise<void>((resolve) => (opening.onsuccess = resolve));
  const outbox = opening.result.transaction('outbox', 'readwrite').objectStore('outbox');
  const request = { url, method: 'POST', mode, headers: {}, endsOnRefusal: false };
  for (const { heading, ageMs } of items) {
    const body = JSON.stringify({ event: 'notification.displayed', heading });
    outbox.add({ ...request, body, at: Date.now() - ageMs, unknownEnds: 0 });
  }
  const last = outbox.getAll();
  await new Promise<void>((resolve) => (last.onsuccess = resolve));
  opening.result.close();
}

/** Headings of what waits for a URL, in order. */
async function listWaiting(url: string): Promise<string[]> {
  const opening = indexedDB.open('pharos');
  await new Promise<void>((resolve) => (opening.onsuccess = resolve));
  const all = opening.result.transaction('outbox').objectStore('outbox').getAll();
  await new Promise<void>((resolve) => (all.onsuccess = resolve));
  opening.result.close();
  return all.result
    .filter((item) => item.url === url)
    .map(({ body }) => (JSON.parse(body) as { heading: string }).heading);
}

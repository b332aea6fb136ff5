import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import webPush from 'web-push';
import { browserNames } from '../support/browser.ts';
import { waitFor } from '../support/wait-for.ts';
import { documentedBody } from './classic-page.ts';
import { registered } from './classic-visit.ts';
import { useClassicWorld } from './classic-world.ts';
import { workerFile } from './stand-in-server.ts';

const { userId } = documentedBody(false);

describe.each(browserNames)('the classic page API in %s', (browserName) => {
  const world = useClassicWorld(browserName);

  test.each([
    {
      mistake: 'init twice',
      init: (appId: string) =>
        `OneSignal.push(['init', { appId: '${appId}' }]); OneSignal.push(['init', { appId: '${appId}' }]);`,
      says: 'OneSignal.init was called twice',
    },
    {
      mistake: 'an http URL',
      init: (appId: string) =>
        `OneSignal.push(['init', { appId: '${appId}', webhooks: { 'notification.clicked': 'http://site.example/' } }]);`,
      says: '"notification.clicked" must begin with https://',
    },
    {
      mistake: 'an event that there is not',
      init: (appId: string) =>
        `OneSignal.push(['init', { appId: '${appId}', webhooks: { 'notification.click': 'https://site.example/' } }]);`,
      says: 'there is no event "notification.click"',
    },
    {
      mistake: 'a method that there is not',
      init: () => "OneSignal.push(['initialise']);",
      says: 'no method "initialise"',
    },
    {
      mistake: 'a function that throws',
      init: () => "OneSignal.push(() => { throw new Error('of the site'); });",
      says: 'of the site',
    },
  ])('says loudly what is wrong with $mistake, and goes on', async ({ init, says }) => {
    const site = await world.open({ init: '' });
    site.replaceScript(`
      var said = [];
      console.error = (...args) => said.push(args.join(' '));
      var OneSignal = window.OneSignal || [];
      ${init(site.instanceId)}
      OneSignal.push(() => { document.title = 'went on'; });
      var OneSignalDeferred = [async (api) => { document.title += api === OneSignal ? ' and further' : ''; }];`);
    const page = await world.openPage(site.origin);
    await waitFor('the items after it', async () => (await page.title()) === 'went on and further');
    const said = await waitFor('an error', async () => {
      const errors = await page.evaluate(whatWasSaid);
      return errors.length > 0 && errors;
    });
    expect(said.join('; ')).toContain(says);
  });

  test('has the classic names, all of them at work', async () => {
    const script = `
      OneSignal.push(['setExternalUserId', 'early']);
      OneSignal.push(['once', 'subscriptionChange', (isEnabled) => { window.enabled = isEnabled; }]);`;
    const { site, page } = await world.visit({ script });
    await waitFor('the alias of before', () => site.server.pageCalls.some(({ path }) => path.endsWith('/alias')));
    const before = site.server.pageCalls.length;
    await waitFor('the first change', () => page.evaluate(isEnabled));
    expect(await page.evaluate(useEverything)).toEqual({
      supported: true,
      permission: 'granted',
      userId,
      byCallback: userId,
      byPush: userId,
      deferred: true,
      enabled: [true, false],
      subscription: [true, false],
      changes: [false, true],
      tags: { level: '5' },
      externalIds: ['early', 'ann', null],
    });
    const device = `/devices/web-${userId}`;
    expect(site.server.pageCalls.slice(before)).toEqual([
      { method: 'PATCH', path: `${device}/tags`, body: { tags: { level: '5' } } },
      { method: 'PATCH', path: `${device}/tags`, body: { tags: { a: '1', b: 'true' } } },
      { method: 'PATCH', path: `${device}/tags`, body: { tags: { a: null } } },
      { method: 'PATCH', path: `${device}/tags`, body: { tags: { b: null, level: null } } },
      { method: 'PUT', path: `${device}/alias`, body: { externalId: 'ann' } },
      { method: 'PUT', path: `${device}/alias`, body: { externalId: null } },
      { method: 'PUT', path: `${device}/muted`, body: { muted: true } },
      { method: 'PUT', path: `${device}/muted`, body: { muted: false } },
    ]);
  });

  test('tells the page what happens to notifications, and uses its defaults', async () => {
    const { site, page } = await world.visit();
    await page.evaluate(collectEvents, `${site.origin}/default`);
    const shown = await world.show(site, { notification: { body: 'No title' }, data: { key1: 'value1' } });
    expect(shown.title).toBe('Default title');
    world.desktop().click(shown);
    await waitFor('the default page', () => site.visits.includes('/default'));
    world.desktop().dismiss(await world.show(site, { notification: { title: 'Dismissed' } }));
    const events = await waitFor('four events', async () => {
      const collected = await page.evaluate(collectedEvents);
      return collected.length >= 4 && collected;
    });
    expect(events).toMatchObject([
      { event: 'notificationDisplay', content: 'No title', data: { key1: 'value1' } },
      { event: 'notificationClick', content: 'No title', action: '' },
      { event: 'notificationDisplay', heading: 'Dismissed' },
      { event: 'notificationDismiss', heading: 'Dismissed' },
    ]);
  });

  test('moves a visitor whose subscription is under the key of another server', async () => {
    const site = await world.open();
    const page = await world.openPage(`${site.origin}/`);
    await registered(page);
    const other = webPush.generateVAPIDKeys().publicKey;
    await page.evaluate(subscribeUnder, other);
    site.server.forgetDevices();
    const before = site.server.subscription().endpoint;

    await page.reload();
    await waitFor('a registration', () => site.server.registrations() === 2);
    expect(site.server.subscription().endpoint).not.toBe(before);
    await registered(page);
    await world.show(site, { notification: { title: 'After the move' } });
  });

  test('updates a worker that is older than the server', async () => {
    const site = await world.open();
    const today = readFileSync(workerFile, 'utf8');
    const [version = ''] = /\b[0-9a-f]{12}\b/.exec(today) ?? [];
    site.server.replaceWorker(today.replace(version, 'older'));
    const page = await world.openPage(site.origin);
    await registered(page);
    expect(await page.evaluate(workerVersion)).toBe('older');

    site.server.replaceWorker(today);
    await page.reload();
    await registered(page);
    // Asking the older one would keep it busy.
    await waitFor('the newer worker', () => page.evaluate(isUpdated));
    expect(await page.evaluate(workerVersion)).toBe(version);
    await world.show(site, { notification: { title: 'From the newer worker' } });
  });

  test('does not wait for an older worker that is too busy to be replaced', async () => {
    const site = await world.open({ worker: busy });
    const today = readFileSync(workerFile, 'utf8');
    site.server.replaceWorker(today.replace(/\b[0-9a-f]{12}\b/, 'older'));
    const page = await world.openPage(site.origin);
    await registered(page);
    await page.evaluate(tellWorker, 'be busy');

    site.server.replaceWorker(today);
    await page.reload();
    expect(await registered(page)).toBe(userId);
  });

  test('takes the place of the worker that the site had before', async () => {
    const site = await world.open();
    const today = readFileSync(workerFile, 'utf8');
    site.server.replaceWorker("addEventListener('push', () => {}); // another push service's");
    // Not a page with our script yet.
    const page = await world.openPage(`${site.origin}/before.js`);
    await page.evaluate(registerWorker, '/OneSignalSDKWorker.js');
    await page.evaluate(subscribeUnder, webPush.generateVAPIDKeys().publicKey);

    site.server.replaceWorker(today);
    await page.goto(site.origin);
    await registered(page);
    await world.show(site, { notification: { title: 'From our worker' } });
    expect((await site.receivers.displayed.bodies(1))[0]).toMatchObject({ heading: 'From our worker', userId });
  });

  test('gives the server a changed subscription from the worker, at once', async () => {
    const { site, page } = await world.visit();
    const before = site.server.subscription().endpoint;
    await page.evaluate(collectPermissions);
    await world.loseSubscription(page);
    const call = await waitFor('the new subscription', () =>
      site.server.pageCalls.find(({ path }) => path.endsWith('/subscription')),
    );
    expect(call).toMatchObject({ method: 'PUT', path: `/devices/web-${userId}/subscription` });
    expect(site.server.subscription().endpoint).not.toBe(before);
    // In Chromium it was the visitor who took the permission back, and gave it again.
    const changes = browserName === 'chromium' ? 1 : 0;
    await waitFor('the permission', async () => (await page.evaluate(collectedEvents)).length >= changes);
    await world.show(site, { notification: { title: 'To the new subscription' } });
    await page.reload();
    expect(await registered(page)).toBe(userId);
    expect(site.server.registrations()).toBe(1);
  });

  test('shares its database with older and newer releases', async () => {
    const { site, page } = await world.visit();
    await page.evaluate(changeDatabase);
    await page.reload();
    await registered(page);
    world.desktop().click(await world.show(site, { notification: { title: 'With another database' } }));
    await site.receivers.displayed.bodies(2);
    expect(await page.evaluate(keptByOthers)).toEqual({ version: 7, stores: true, field: 'of a newer release' });
  });
});

const busy = `addEventListener('message', (event) => {
  if (event.data === 'be busy') event.waitUntil(new Promise(() => {}));
});`;

interface Api {
  readonly push: (item: unknown) => void;
  readonly on: (event: string, listener: (detail: unknown) => void) => void;
  readonly isPushNotificationsSupported: () => boolean;
  readonly getNotificationPermission: () => Promise<string>;
  readonly getUserId: (callback?: (id: string | null) => void) => Promise<string | null>;
  readonly isPushNotificationsEnabled: () => Promise<boolean>;
  readonly setSubscription: (enabled: boolean) => Promise<void>;
  readonly getSubscription: () => Promise<boolean>;
  readonly sendTag: (key: string, value: unknown) => Promise<unknown>;
  readonly sendTags: (tags: object) => Promise<unknown>;
  readonly deleteTag: (key: string) => Promise<unknown>;
  readonly deleteTags: (keys: string[]) => Promise<unknown>;
  readonly getTags: () => Promise<object>;
  readonly setExternalUserId: (id: string) => Promise<void>;
  readonly removeExternalUserId: () => Promise<void>;
  readonly getExternalUserId: () => Promise<string | null>;
  readonly setDefaultNotificationUrl: (url: string) => Promise<void>;
  readonly setDefaultTitle: (title: string) => Promise<void>;
}
declare const OneSignal: Api;
declare const OneSignalDeferred: { readonly push: (item: (api: Api) => void) => void };
declare const window: { collected: object[]; readonly said: string[]; readonly enabled?: boolean };
declare const navigator: {
  readonly serviceWorker: {
    readonly register: (path: string) => Promise<unknown>;
    readonly ready: Promise<{
      readonly installing: object | null;
      readonly waiting: object | null;
      readonly active: { readonly postMessage: (message: unknown, transfer?: unknown[]) => void };
      readonly pushManager: {
        readonly getSubscription: () => Promise<{ readonly unsubscribe: () => Promise<boolean> } | null>;
        readonly subscribe: (options: object) => Promise<unknown>;
      };
    }>;
  };
};

const whatWasSaid = (): string[] => window.said;

const isEnabled = (): boolean => window.enabled === true;

async function useEverything(): Promise<object> {
  const changes: unknown[] = [];
  OneSignal.on('subscriptionChange', (isEnabled) => void changes.push(isEnabled));
  const state = {
    supported: OneSignal.isPushNotificationsSupported(),
    permission: await OneSignal.getNotificationPermission(),
    userId: await OneSignal.getUserId(),
    byCallback: await new Promise((resolve) => void OneSignal.getUserId(resolve)),
    byPush: await new Promise((resolve) => OneSignal.push(['getUserId', resolve])),
    deferred: await new Promise((resolve) => OneSignalDeferred.push((api) => resolve(api === OneSignal))),
  };
  await OneSignal.sendTag('level', 5);
  await OneSignal.sendTags({ a: 1, b: true });
  await OneSignal.deleteTag('a');
  await OneSignal.deleteTags(['b', 'level']);
  const tags = await OneSignal.getTags();
  const externalIds = [await OneSignal.getExternalUserId()];
  await OneSignal.setExternalUserId('ann');
  externalIds.push(await OneSignal.getExternalUserId());
  await OneSignal.removeExternalUserId();
  externalIds.push(await OneSignal.getExternalUserId());
  const enabled = [await OneSignal.isPushNotificationsEnabled()];
  const subscription = [await OneSignal.getSubscription()];
  await OneSignal.setSubscription(false);
  enabled.push(await OneSignal.isPushNotificationsEnabled());
  subscription.push(await OneSignal.getSubscription());
  await OneSignal.setSubscription(true);
  return { ...state, enabled, subscription, changes, tags, externalIds };
}

async function collectEvents(defaultUrl: string): Promise<void> {
  window.collected = [];
  for (const event of ['notificationDisplay', 'notificationClick', 'notificationDismiss'])
    OneSignal.on(event, (detail) => void window.collected.push({ event, ...(detail as object) }));
  await OneSignal.setDefaultTitle('Default title');
  await OneSignal.setDefaultNotificationUrl(defaultUrl);
}

function collectPermissions(): void {
  window.collected = [];
  OneSignal.on('notificationPermissionChange', (detail) => void window.collected.push(detail as object));
}

const collectedEvents = (): object[] => window.collected;

async function registerWorker(path: string): Promise<void> {
  await navigator.serviceWorker.register(path);
  await navigator.serviceWorker.ready;
}

async function subscribeUnder(applicationServerKey: string): Promise<void> {
  const { pushManager } = await navigator.serviceWorker.ready;
  await (await pushManager.getSubscription())?.unsubscribe();
  await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
}

async function workerVersion(): Promise<string> {
  const { active } = await navigator.serviceWorker.ready;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', (event) =>
      resolve((event as unknown as { data: { version: string } }).data.version),
    );
    port1.start();
    active.postMessage({ pharos: 'version' }, [port2]);
  });
}

async function isUpdated(): Promise<boolean> {
  const { installing, waiting } = await navigator.serviceWorker.ready;
  return installing === null && waiting === null;
}

const tellWorker = async (message: string): Promise<void> =>
  (await navigator.serviceWorker.ready).active.postMessage(message);

interface Opening {
  readonly result: Database;
  onsuccess: () => void;
  onupgradeneeded: () => void;
}
interface Database {
  readonly version: number;
  readonly objectStoreNames: { readonly contains: (name: string) => boolean };
  readonly createObjectStore: (name: string) => unknown;
  readonly deleteObjectStore: (name: string) => void;
  readonly close: () => void;
  readonly transaction: (
    name: string,
    mode?: string,
  ) => {
    readonly objectStore: (name: string) => {
      readonly getAll: () => Request;
      readonly put: (value: object) => Request;
    };
  };
}
interface Request {
  readonly result: Record<string, unknown>[];
  onsuccess: () => void;
}
declare const indexedDB: { readonly open: (name: string, version?: number) => Opening };

/** A newer release has added a store and a field; and a store of today is missing, as if an older one had made the rest. */
async function changeDatabase(): Promise<void> {
  const opening = indexedDB.open('pharos', 6);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('ofNewerRelease');
    opening.result.deleteObjectStore('notifications');
  };
  await new Promise<void>((resolve) => (opening.onsuccess = resolve));
  const store = opening.result.transaction('instances', 'readwrite').objectStore('instances');
  const all = store.getAll();
  await new Promise<void>((resolve) => (all.onsuccess = resolve));
  for (const record of all.result) store.put({ ...record, newField: 'of a newer release' });
  opening.result.close();
}

async function keptByOthers(): Promise<object> {
  const opening = indexedDB.open('pharos');
  await new Promise<void>((resolve) => (opening.onsuccess = resolve));
  const { result: database } = opening;
  const all = database.transaction('instances').objectStore('instances').getAll();
  await new Promise<void>((resolve) => (all.onsuccess = resolve));
  const stores = ['ofNewerRelease', 'notifications', 'outbox'].every((name) =>
    database.objectStoreNames.contains(name),
  );
  database.close();
  return { version: database.version, stores, field: all.result[0]?.['newField'] };
}

import { describe, expect, test } from 'vitest';
import { browserNames } from '../support/browser.ts';
import { waitFor } from '../support/wait-for.ts';
import { documentedBody, documentedHeaders } from './classic-page.ts';
import { useClassicWorld } from './classic-world.ts';

const documented = documentedBody(false);
const { heading: title, content: body, url: deep_link, icon, data, id: publishId } = documented;
const full = { notification: { title, body, deep_link, icon }, data, publishId };

/** Body of a webhook, as far as these tests ask. */
const eventsOf = (bodies: readonly Record<string, unknown>[]): string[] =>
  bodies.map(({ event, heading }) => `${String(heading)}: ${String(event).replace('notification.', '')}`);

describe.each(browserNames)('classic webhooks in %s', (browserName) => {
  const world = useClassicWorld(browserName);

  describe.each([false, true])('with cors: %s', (cors) => {
    test('displayed and clicked are what is documented, key by key and header by header', async () => {
      const { site } = await world.visit({ cors });
      const { displayed: receiver } = site.receivers;
      world.desktop().click(await world.show(site, full));
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
      const { site } = await world.visit({ cors });
      const { displayed: receiver } = site.receivers;
      world.desktop().dismiss(await world.show(site, full));
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

  test.each([
    { missing: 'heading', content: { ...full, notification: { body, deep_link, icon } } },
    { missing: 'content', content: { ...full, notification: { title, deep_link, icon } } },
    { missing: 'url', content: { ...full, notification: { title, body, icon } } },
    { missing: 'icon', content: { ...full, notification: { title, body, deep_link } } },
    { missing: 'data', content: { ...full, data: {} } },
  ])('what was sent without $missing is told without it', async ({ missing, content }) => {
    const { site } = await world.visit();
    world.desktop().click(await world.show(site, content));
    const { action, ...rest } = documented;
    const expected = Object.fromEntries(Object.entries(rest).filter(([key]) => key !== missing));
    expect(await site.receivers.displayed.bodies(2)).toEqual([
      { ...expected, event: 'notification.displayed' },
      { ...expected, event: 'notification.clicked', action },
    ]);
  });

  describe('a click', () => {
    const buttons = (origin: string) => [
      { id: 'like-button', text: 'Like', url: `${origin}/liked` },
      { id: 'top-button', text: 'To the top' },
    ];
    test.each([
      { label: undefined, action: '', opens: '/launch' },
      { label: 'Like', action: 'like-button', opens: '/liked' },
      { label: 'To the top', action: 'top-button', opens: '/launch' },
    ])('on $label names "$action" and opens $opens', async ({ label, action, opens }) => {
      const { site } = await world.visit();
      const launch = `${site.origin}/launch`;
      const notification = { title: 'Buttons', deep_link: launch, buttons: buttons(site.origin) };
      const shown = await world.show(site, { notification });
      expect(shown.buttons.map((button) => button.label)).toEqual(expect.arrayContaining(['Like', 'To the top']));
      world.desktop().click(shown, label);

      const [, clicked] = await site.receivers.displayed.bodies(2);
      // "`url` is the notification's launch URL, not the button's."
      expect(clicked).toMatchObject({ event: 'notification.clicked', action, url: launch });
      await waitFor('the link', () => site.visits.includes(opens));
      const report = await waitFor('the report', () =>
        site.server.pageCalls.find((call) => call.body['event'] === 'clicked'),
      );
      expect(report.body).toMatchObject({ action, url: `${site.origin}${opens}`, deviceId: site.server.deviceId });
    });
  });

  test.each(['dismiss', 'expire'] as const)('%s is told as dismissed, to the server too', async (reaction) => {
    const { site } = await world.visit({ receivers: 'three' });
    world.desktop()[reaction](await world.show(site, full));
    expect(eventsOf(await site.receivers.dismissed.bodies(1))).toEqual([`${title}: dismissed`]);
    await waitFor('the reports', () => site.server.pageCalls.length >= 2);
    expect(site.server.pageCalls).toMatchObject(
      ['displayed', 'dismissed'].map((event) => ({
        method: 'POST',
        path: '/reports',
        body: { event, publishId: `pubid-${publishId}`, deviceId: site.server.deviceId },
      })),
    );
    expect(site.receivers.clicked.received).toEqual([]);
  });

  describe('is not a dismissal:', () => {
    /** Registered beside ours in the site's worker file. */
    const closing = `addEventListener('message', async ({ data }) => {
      if (data === 'close') for (const shown of await registration.getNotifications()) shown.close();
    });`;
    test.each([
      {
        what: 'a click that the desktop also tells as closed',
        act: async ({ shown }: Acting) => {
          world.desktop().click(shown);
          world.desktop().dismiss(shown);
        },
      },
      {
        what: 'a newer notification with the same tag',
        act: async ({ site }: Acting) => void (await world.show(site, tagged('Second'))),
      },
      {
        what: "a close by the page's code",
        act: ({ page }: Acting) => page.evaluate(closeAll),
      },
      {
        what: "a close by the worker's code",
        act: ({ page }: Acting) => page.evaluate(tellWorkerToClose),
      },
    ])('$what', async ({ act }) => {
      const { site, page } = await world.visit({ worker: closing });
      const { displayed: receiver } = site.receivers;
      const shown = await world.show(site, tagged('First'));
      await receiver.bodies(1);
      await act({ site, page, shown });

      // Had there been a dismissal, it would have been told before that of the last one.
      const last = await world.show(site, { notification: { title: 'Last' } });
      await waitFor('the last', () => eventsOf(received(receiver)).includes('Last: displayed'));
      world.desktop().dismiss(last);
      await waitFor('its dismissal', () => eventsOf(received(receiver)).includes('Last: dismissed'));
      expect(eventsOf(received(receiver)).filter((event) => event.endsWith('dismissed'))).toEqual(['Last: dismissed']);
    });
  });

  test('a notification has all that was sent, as far as the browser knows it', async () => {
    const { site, page } = await world.visit();
    const image = (name: string) => `${site.origin}/${name}.png`;
    const buttons = [{ id: 'like', text: 'Like', icon: image('like'), url: `${site.origin}/liked` }];
    const pictures = { icon: image('icon'), image: image('image'), badge: image('badge') };
    const more = { tag: 'news', renotify: true, require_interaction: true, buttons };
    await world.show(site, { notification: { title: 'Everything', body: 'Text', ...pictures, ...more } });
    const everywhere = {
      title: 'Everything',
      body: 'Text',
      icon: pictures.icon,
      tag: 'news',
      requireInteraction: true,
    };
    const like = { action: 'like', title: 'Like' };
    const inFirefox = { ...everywhere, actions: [like] };
    const inChromium = { ...everywhere, ...pictures, renotify: true, actions: [{ ...like, icon: image('like') }] };
    expect(await page.evaluate(readOpen, Object.keys(inChromium))).toMatchObject([
      browserName === 'firefox' ? inFirefox : inChromium,
    ]);
  });

  test('two notifications clicked at once are told once each', async () => {
    const { site } = await world.visit();
    const first = await world.show(site, { notification: { title: 'One' } });
    const second = await world.show(site, { notification: { title: 'Two' } });
    world.desktop().click(first);
    world.desktop().dismiss(second);
    const told = eventsOf(await site.receivers.displayed.bodies(4));
    expect(told.toSorted()).toEqual(['One: clicked', 'One: displayed', 'Two: dismissed', 'Two: displayed']);
  });

  test('what the server relays is not sent by the browser', async () => {
    const { site } = await world.visit();
    const relayedEvents = ['notification.displayed'];
    world.desktop().click(await world.show(site, { notification: { title: 'Relayed' }, relayedEvents }));
    expect(eventsOf(await site.receivers.displayed.bodies(1))).toEqual(['Relayed: clicked']);
  });

  describe('a repeat of the same publish', () => {
    test('takes the place of the open one, silently, and is told once', async () => {
      const { site, page } = await world.visit();
      await world.show(site, full);
      await site.receivers.displayed.bodies(1);
      const again = await world.show(site, full);
      expect(await page.evaluate(openNotifications)).toEqual([{ title, silent: true }]);
      world.desktop().dismiss(again);
      expect(eventsOf(await site.receivers.displayed.bodies(2))).toEqual([
        `${title}: displayed`,
        `${title}: dismissed`,
      ]);
      expect(site.server.reports.map(({ event }) => event)).toEqual(['delivery']);
    });

    test('is swallowed once the first is gone', async () => {
      const { site } = await world.visit();
      world.desktop().dismiss(await world.show(site, full));
      await site.receivers.displayed.bodies(2);
      const before = world.desktop().shown.length;
      await world.send(site, full);
      await world.show(site, { notification: { title: 'After the repeat' } });
      expect(
        world
          .desktop()
          .shown.slice(before)
          .map((shown) => shown.title),
      ).toEqual(['After the repeat']);
      expect(eventsOf(await site.receivers.displayed.bodies(3))).toEqual([
        `${title}: displayed`,
        `${title}: dismissed`,
        'After the repeat: displayed',
      ]);
    });
  });
});

interface Acting {
  readonly site: Awaited<ReturnType<ReturnType<typeof useClassicWorld>['visit']>>['site'];
  readonly page: Awaited<ReturnType<ReturnType<typeof useClassicWorld>['visit']>>['page'];
  readonly shown: Awaited<ReturnType<ReturnType<typeof useClassicWorld>['show']>>;
}

const tagged = (title: string) => ({ notification: { title, tag: 'same' } });

const received = ({ received: requests }: Acting['site']['receivers']['displayed']): Record<string, unknown>[] =>
  requests.map((request) => JSON.parse(request.body) as Record<string, unknown>);

interface PageNotification {
  readonly title: string;
  readonly silent: boolean | null;
  readonly close: () => void;
}
declare const navigator: {
  readonly serviceWorker: {
    readonly ready: Promise<{
      readonly active: { readonly postMessage: (message: string) => void };
      readonly getNotifications: () => Promise<PageNotification[]>;
    }>;
  };
};

async function closeAll(): Promise<void> {
  for (const shown of await (await navigator.serviceWorker.ready).getNotifications()) shown.close();
}

const tellWorkerToClose = async (): Promise<void> => (await navigator.serviceWorker.ready).active.postMessage('close');

/** The given fields of each open notification. */
async function readOpen(keys: string[]): Promise<object[]> {
  const open: object[] = await (await navigator.serviceWorker.ready).getNotifications();
  return open.map((shown) => Object.fromEntries(keys.map((key) => [key, Reflect.get(shown, key) as unknown])));
}

const openNotifications = async (): Promise<object[]> =>
  (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, silent }) => ({ title, silent }));

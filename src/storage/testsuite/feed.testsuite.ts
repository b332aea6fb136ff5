import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { FeedPage, FeedStart } from '../../core/ports/feed-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anInstance,
  aReport,
  aWebhook,
  createWebhook,
  fanOut,
  listMessages,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

const dayMs = 86_400_000;

async function createFedInstance(store: Store): Promise<string> {
  const instance = anInstance({ feed: true });
  await runOne(store.createInstances, instance);
  return instance.id;
}

async function read(
  store: Store,
  instanceId: string,
  start: FeedStart = { kind: 'beginning' },
  limit = 1_000,
): Promise<FeedPage> {
  const page = await store.readFeed({ instanceId, start, limit });
  if (typeof page === 'string') throw new Error(page);
  return page;
}

const after = (cursor: string): FeedStart => ({ kind: 'cursor', cursor });

export function feedSuite(open: OpenStore): void {
  describe('the feed', () => {
    test('has reports and the ends of publishes to users, whoever subscribed, in the order of their commits', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const device = await register(store, instanceId, { user: 'anna', interests: ['a'] });
      const publish = await accept(store, instanceId, toUsers('anna'), { urlTarget: 'url:a' });
      await fanOut(store, publish);
      await runOne(store.recordReports, aReport(publish, device));
      await runOne(store.recordReports, aReport(publish, device, { kind: 'clicked', action: 'yes' }));
      const { events, ...page } = await read(store, instanceId);
      const { platform, deviceId } = device;
      expect(events).toMatchObject([
        { eventType: 'v1.PublishToUsersAttempt', publishId: publish.publishId, user: null, device: null, action: null },
        { eventType: 'v1.UserNotificationAcknowledgement', user: { name: 'anna' }, device: { platform, deviceId } },
        { eventType: 'v1.NotificationClicked', user: { name: 'anna' }, action: 'yes' },
      ]);
      expect(page).toEqual({ cursor: events[2]?.cursor, more: false, truncated: false });
    });

    test('goes on after any of its cursors, page by page', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const devices = await Promise.all(Array.from({ length: 7 }, () => register(store, instanceId)));
      const publish = await accept(store, instanceId, toInterests('a'));
      for (const device of devices) await runOne(store.recordReports, aReport(publish, device, { kind: 'displayed' }));
      const all = await read(store, instanceId);
      expect(all.events.map(({ device }) => device?.deviceId)).toEqual(devices.map(({ deviceId }) => deviceId));
      const first = await read(store, instanceId, { kind: 'beginning' }, 3);
      expect(first).toEqual({ ...first, events: all.events.slice(0, 3), more: true });
      const second = await read(store, instanceId, after(first.cursor), 3);
      expect(second.events).toEqual(all.events.slice(3, 6));
      const rest = await read(store, instanceId, after(all.events[4]?.cursor ?? ''), 3);
      expect(rest).toEqual({ events: all.events.slice(5), cursor: all.cursor, more: false, truncated: false });
      expect(await read(store, instanceId, after(rest.cursor))).toEqual({ ...rest, events: [] });
    });

    test('begins now, or at a time', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const empty = await read(store, instanceId);
      expect(await read(store, instanceId, after(empty.cursor))).toEqual({ ...empty, truncated: false });
      const [one, two] = [await register(store, instanceId), await register(store, instanceId)];
      const publish = await accept(store, instanceId, toInterests('a'));
      await runOne(store.recordReports, aReport(publish, one, { kind: 'displayed' }));
      const { cursor: now } = await read(store, instanceId, { kind: 'now' });
      let middle = Date.now();
      while (Date.now() <= middle) middle = Math.max(middle, Date.now() - 1);
      middle = Date.now();
      await runOne(store.recordReports, aReport(publish, two, { kind: 'displayed' }));
      const { events } = await read(store, instanceId);
      expect((await read(store, instanceId, after(now))).events).toEqual(events.slice(1));
      expect(await read(store, instanceId, { kind: 'time', at: middle })).toMatchObject({
        events: events.slice(1),
        truncated: false,
      });
      expect(await read(store, instanceId, { kind: 'time', at: 1_000 })).toMatchObject({ events, truncated: true });
      const future = Date.now() + dayMs;
      expect(await read(store, instanceId, { kind: 'time', at: future })).toMatchObject({
        events: [],
        truncated: false,
      });
    });

    test('gives every event of commits that are made while it is read', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const devices = await Promise.all(Array.from({ length: 60 }, () => register(store, instanceId)));
      const publish = await accept(store, instanceId, toInterests('a'));
      const seen: string[] = [];
      let { cursor } = await read(store, instanceId, { kind: 'now' });
      const readOn = async (): Promise<number> => {
        const page = await read(store, instanceId, after(cursor), 5);
        cursor = page.cursor;
        seen.push(...page.events.map(({ device }) => device?.deviceId ?? ''));
        return page.events.length;
      };
      const written = new AbortController();
      const reports = devices.map((device) =>
        runOne(store.recordReports, aReport(publish, device, { kind: 'displayed' })),
      );
      const writing = Promise.all(reports).finally(() => written.abort());
      while (!written.signal.aborted) await readOn();
      await writing;
      while ((await readOn()) > 0);
      expect(seen.sort()).toEqual(devices.map(({ deviceId }) => deviceId).sort());
    });

    test('is the instance’s own, has a cursor of its own form, and is off unless it was turned on', async () => {
      const store = await open();
      const [instanceId, other] = [await createFedInstance(store), await createFedInstance(store)];
      const off = anInstance();
      await runOne(store.createInstances, off);
      const device = await register(store, instanceId);
      const publish = await accept(store, instanceId, toInterests('a'));
      await runOne(store.recordReports, aReport(publish, device, { kind: 'displayed' }));
      expect((await read(store, other)).events).toEqual([]);
      const readOff = { instanceId: off.id, start: { kind: 'beginning' }, limit: 1 } as const;
      expect(await store.readFeed(readOff)).toBe('off');
      for (const cursor of ['', ' ', '-1', 'ä', '1'.repeat(40), '0X1', '1.5']) {
        expect(await store.readFeed({ instanceId, start: after(cursor), limit: 1 })).toBe('malformed-cursor');
      }
      const lost = after('zzzzzzzzzz');
      const { cursor } = await read(store, instanceId, lost);
      expect(cursor).toBe((await read(store, instanceId)).cursor);
    });

    test('tells of what happened while it was off', async () => {
      const store = await open();
      const instance = anInstance({ feed: true });
      await runOne(store.createInstances, instance);
      const { id, name, allowedOrigins } = instance;
      const turn = (feed: boolean) => runOne(store.updateInstances, { id, name, allowedOrigins, feed });
      const publish = await accept(store, id, toInterests('a'));
      const report = async () =>
        runOne(store.recordReports, aReport(publish, await register(store, id), { kind: 'displayed' }));
      await report();
      const { cursor } = await read(store, id);
      await turn(true);
      expect((await read(store, id, after(cursor))).truncated).toBe(false);
      await turn(false);
      await report();
      await turn(true);
      await report();
      const page = await read(store, id, after(cursor));
      expect(page).toMatchObject({ events: [{ publishId: publish.publishId }], truncated: true });
      expect((await read(store, id, after(page.cursor))).truncated).toBe(false);
      expect(await read(store, id)).toMatchObject({ events: [{}, {}], truncated: false });
      expect((await store.findInstance(id))?.feed).toBe(true);
    });

    test('names nobody who was erased', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      await runOne(store.recordReports, aReport(publish, device));
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      expect((await read(store, instanceId)).events).toMatchObject([{ user: 'erased' }]);
    });

    test('costs no message, and the reports of others no position', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const webhook = await createWebhook(store, aWebhook(instanceId, { events: ['v1.UserNotificationOpen'] }));
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      expect(await runOne(store.recordReports, aReport(publish, device))).toEqual({ kind: 'recorded', messages: 0 });
      const nobodys = aReport(publish, device, { kind: 'open', notifiesUserWebhooks: false });
      await runOne(store.recordReports, nobodys);
      expect(await listMessages(store, { instanceId, webhookId: webhook.id, limit: 10 })).toEqual([]);
      expect((await read(store, instanceId)).events).toHaveLength(1);
    });

    test('says that events are gone after retention, to those who had not read them', async () => {
      const store = await open();
      const instanceId = await createFedInstance(store);
      const [one, two] = [await register(store, instanceId), await register(store, instanceId)];
      const publish = await accept(store, instanceId, toInterests('a'));
      const { cursor: before } = await read(store, instanceId, { kind: 'now' });
      await runOne(store.recordReports, aReport(publish, one, { kind: 'displayed' }));
      const { cursor: between } = await read(store, instanceId);
      const expired = { instanceId, before: Date.now() + 2 * dayMs, maxRows: 1_000 };
      await fanOut(store, publish);
      await runOne(store.deleteExpired, expired);
      const later = await accept(store, instanceId, toInterests('a'));
      await runOne(store.recordReports, aReport(later, two, { kind: 'displayed' }));
      expect(await read(store, instanceId, after(before))).toMatchObject({ events: [{}], truncated: true });
      expect(await read(store, instanceId, after(between))).toMatchObject({ events: [{}], truncated: false });
      expect(await read(store, instanceId)).toMatchObject({ events: [{}], truncated: false });
    });
  });
}

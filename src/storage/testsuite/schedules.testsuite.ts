import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  aDevice,
  aReport,
  aWebhook,
  claimDeliveries,
  claimMessages,
  claimRange,
  claimRanges,
  createInstance,
  createWebhook,
  deliveryOf,
  fanOut,
  register,
} from './fixtures.ts';

const everyone: PublishTarget = { kind: 'everyone' };
const view = { countRemainingUpTo: 100 };

export function schedulesSuite(open: OpenStore): void {
  describe('scheduled publishes', () => {
    test('wait for their time, and reach who is there then', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const sendAfter = Date.now() + 1_500;
      const publish = await accept(store, instanceId, everyone, { sendAfter });
      expect(await claimRanges(store, instanceId)).toEqual([]);
      expect(await store.viewPublish({ ...publish, ...view })).toMatchObject({
        sendAfter,
        finishedAt: null,
        remaining: 0,
      });
      const late = await register(store, instanceId);
      expect(await store.viewPublish({ ...publish, ...view })).toMatchObject({ remaining: 1 });
      await expect.poll(() => store.nextDue().then(({ ranges }) => ranges)).toBe(0);
      expect(Date.now()).toBeGreaterThan(sendAfter - 100);
      const range = await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      expect(devices.map(({ address }) => address)).toEqual([late.address]);
    });

    test('are canceled before their time', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, everyone, { sendAfter: Date.now() + 100_000 });
      expect(await runOne(store.cancelPublishes, publish)).toBe('canceled');
      const seen = await store.viewPublish({ ...publish, ...view });
      expect(seen).toMatchObject({ remaining: 0, families: {} });
      expect(seen?.canceledAt).toEqual(expect.any(Number));
      expect(seen?.finishedAt).toEqual(expect.any(Number));
      expect(await runOne(store.cancelPublishes, publish)).toBe('finished');
      const unknown = { ...publish, instanceId: await createInstance(store) };
      expect(await runOne(store.cancelPublishes, unknown)).toBe('unknown-publish');
    });
  });

  describe('a cancel in the middle', () => {
    test('lets what is on its way be recorded, and ends with it', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      for (let count = 0; count < 6; count += 1) await register(store, instanceId);
      const publish = await accept(store, instanceId, everyone);
      const range = await claimRange(store, publish);
      const first = await store.readAudiencePage(range, range.cursor, 2);
      const second = await store.readAudiencePage(range, first.next ?? range.cursor, 2);
      const record = (page: typeof first, cursor: typeof range.cursor, next: typeof first.next) =>
        runOne(store.recordPages, {
          ...range,
          cursor,
          deliveries: page.devices.map((device) => deliveryOf(device, { kind: 'accepted' })),
          next,
          leaseMs: 60_000,
        });
      expect(await runOne(store.cancelPublishes, publish)).toBe('canceled');
      expect(await record(first, range.cursor, first.next)).toEqual({
        kind: 'recorded',
        finished: false,
        canceled: true,
      });
      expect(await record(second, first.next ?? range.cursor, null)).toEqual({ kind: 'recorded', finished: true });
      expect(await store.viewPublish({ ...publish, ...view })).toMatchObject({
        families: { other: { accepted: 4 } },
        remaining: 0,
      });
      expect(await claimRanges(store, instanceId)).toEqual([]);
    });

    test('drops deferred deliveries, and ranges whose claim has run out', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await register(store, instanceId);
      const deferred = await accept(store, instanceId, everyone);
      await fanOut(store, deferred, () => ({ kind: 'deferred', retryInMs: 0, attempts: 1, claimToken: null }));
      expect(await runOne(store.cancelPublishes, deferred)).toBe('canceled');
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      expect((await store.viewPublish({ ...deferred, ...view }))?.finishedAt).toEqual(expect.any(Number));

      const abandoned = await accept(store, instanceId, everyone);
      await claimRange(store, abandoned, { limit: 1_000, leaseMs: 1_500 });
      expect(await runOne(store.cancelPublishes, abandoned)).toBe('canceled');
      expect((await store.viewPublish({ ...abandoned, ...view }))?.finishedAt).toBeNull();
      const isFinished = async () => {
        expect(await claimRanges(store, instanceId)).toEqual([]);
        return (await store.viewPublish({ ...abandoned, ...view }))?.finishedAt;
      };
      await expect.poll(isFinished).toEqual(expect.any(Number));
    });
  });

  describe('a cancel of very much', () => {
    test('drops some deferred deliveries at a time; whoever claims what is due drops more, whenever that was due', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await store.registerDevices(Array.from({ length: 1_100 }, () => aDevice(instanceId)));
      const publish = await accept(store, instanceId, everyone);
      const { claimToken, ...range } = await claimRange(store, publish);
      const outcome = { kind: 'deferred', retryInMs: 3_600_000, attempts: 1, claimToken: null } as const;
      for (let cursor: typeof range.cursor | null = range.cursor; cursor;) {
        const { devices, next } = await store.readAudiencePage({ ...range, claimToken }, cursor, 200);
        const deliveries = devices.map((device) => deliveryOf(device, outcome));
        await runOne(store.recordPages, { ...range, claimToken, cursor, deliveries, next, leaseMs: 60_000 });
        cursor = next;
      }
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      expect(await runOne(store.cancelPublishes, publish)).toBe('canceled');
      const finishedAt = async () => (await store.viewPublish({ ...publish, ...view }))?.finishedAt;
      // As the sender sees it nothing is left from the first step on.
      expect(await store.viewPublish({ ...publish, ...view })).toMatchObject({ finishedAt: null, remaining: 0 });
      await expect.poll(async () => (await store.nextDue()).deliveries).toBe(0);
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      expect(await finishedAt()).toEqual(expect.any(Number));
    });
  });

  describe('statistics', () => {
    test('count outcomes and reports by family, each device once', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const chrome = await register(store, instanceId, { address: 'https://fcm.googleapis.com/fcm/send/1' });
      const firefox = await register(store, instanceId, {
        address: 'https://updates.push.services.mozilla.com/wpush/1',
      });
      const publish = await accept(store, instanceId, everyone);
      await fanOut(store, publish, (address) =>
        address === chrome.address ? { kind: 'accepted', tracked: true } : { kind: 'gone' },
      );
      const kinds = ['delivery', 'displayed', 'displayed', 'open', 'clicked', 'dismissed'] as const;
      for (const kind of kinds) await runOne(store.recordReports, aReport(publish, chrome, { kind }));
      await runOne(store.recordReports, aReport(publish, chrome, { kind: 'clicked', action: 'buy' }));
      await runOne(store.recordReports, aReport(publish, firefox, { kind: 'displayed' }));
      const none = { accepted: 0, gone: 0, rejected: 0, failed: 0, confirmed: 0, clicked: 0 };
      expect((await store.viewPublish({ ...publish, ...view }))?.families).toEqual({
        chrome: { ...none, accepted: 1, confirmed: 1, clicked: 1 },
        firefox: { ...none, gone: 1, confirmed: 1 },
      });
      const { counts, insights } = (await store.summarizePublish(publish)) ?? {};
      expect(counts).toEqual({ web: { accepted: 1, gone: 1, rejected: 0, failed: 0, unauthorized: 0 } });
      expect(insights).toEqual({ web: { triggered: 1, acknowledged: 2, openable: 2, opened: 1 } });
    });

    test('lists are newest first, in pages', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await register(store, instanceId);
      const ids: string[] = [];
      for (let count = 0; count < 5; count += 1) ids.unshift((await accept(store, instanceId, everyone)).publishId);
      const page = await store.listPublishes({ instanceId, limit: 2, offset: 1, ...view });
      expect(page.total).toBe(5);
      expect(page.publishes.map(({ publishId }) => publishId)).toEqual(ids.slice(1, 3));
      expect(page.publishes[0]).toMatchObject({ remaining: 1, finishedAt: null, canceledAt: null, sendAfter: null });
    });
  });

  describe('what browsers tell of a notification', () => {
    test('makes messages with device and action, also for a device of nobody, once for each action', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const events = ['v1.NotificationDisplayed', 'v1.NotificationClicked', 'v1.NotificationDismissed'] as const;
      await createWebhook(store, aWebhook(instanceId, { events }));
      const device = await register(store, instanceId);
      const publish = await accept(store, instanceId, everyone);
      const report = (kind: 'displayed' | 'clicked' | 'dismissed', action = '') =>
        runOne(store.recordReports, aReport(publish, device, { kind, action }));
      for (const answer of ['recorded', 'repeat']) {
        expect(await report('displayed')).toMatchObject({ kind: answer });
        expect(await report('clicked')).toMatchObject({ kind: answer });
        expect(await report('clicked', 'buy')).toMatchObject({ kind: answer });
        expect(await report('dismissed')).toMatchObject({ kind: answer });
      }
      const messages = await claimMessages(store, instanceId);
      expect(messages.map(({ eventType, action }) => [eventType, action])).toEqual([
        ['v1.NotificationDisplayed', null],
        ['v1.NotificationClicked', ''],
        ['v1.NotificationClicked', 'buy'],
        ['v1.NotificationDismissed', null],
      ]);
      const { platform, deviceId } = device;
      for (const message of messages) expect(message).toMatchObject({ device: { platform, deviceId }, user: null });
    });

    test('made up actions end after eight', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      const publish = await accept(store, instanceId, everyone);
      const kinds: string[] = [];
      for (let count = 0; count < 10; count += 1) {
        const made = aReport(publish, device, { kind: 'clicked', action: String(count) });
        kinds.push((await runOne(store.recordReports, made)).kind);
      }
      expect(kinds.filter((kind) => kind === 'recorded')).toHaveLength(8);
    });
  });
}

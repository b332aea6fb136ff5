import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { RecordReport } from '../../core/ports/report-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  fanOut,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

export function reportsSuite(open: OpenStore): void {
  describe('reports', () => {
    test('count once per publish, device and kind, and tell the subscribed webhooks', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const acknowledgement = 'v1.UserNotificationAcknowledgement';
      const opened = 'v1.UserNotificationOpen';
      const both = await createWebhook(store, aWebhook(instanceId, { events: [acknowledgement, opened] }));
      const opens = await createWebhook(store, aWebhook(instanceId, { events: [opened] }));
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      const delivery = aReport(publish, device);
      const opening = aReport(publish, device, { kind: 'open', appInBackground: true });
      expect(await runOne(store.recordReports, delivery)).toEqual({ kind: 'recorded', messages: 1 });
      expect(await runOne(store.recordReports, { ...delivery, happenedAt: 7 })).toEqual({ kind: 'repeat' });
      expect(await runOne(store.recordReports, opening)).toEqual({ kind: 'recorded', messages: 2 });

      const messages = await claimMessages(store, instanceId);
      const seen = messages.map(({ webhookId, eventType }) => `${webhookId} ${eventType}`).sort();
      expect(seen).toEqual([`${both.id} ${acknowledgement}`, `${both.id} ${opened}`, `${opens.id} ${opened}`].sort());
      for (const message of messages)
        expect(message).toMatchObject({ ...publish, user: { name: 'anna' }, attempts: 0 });
      expect(new Set(messages.map(({ eventId }) => eventId)).size).toBe(2);
      expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(3);
    });

    test('count a device as acknowledged, openable and opened, each once', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, toUsers('anna'));
      const report = async (platform: Platform, ...reports: readonly Partial<RecordReport>[]) => {
        const device = await register(store, instanceId, { platform });
        for (const change of reports) await runOne(store.recordReports, aReport(publish, device, change));
      };
      const hidden = { hasDisplayableContent: false };
      const unused = { appInBackground: true };
      await report('web', { appInBackground: false });
      await report('web', hidden);
      await report('web', hidden, { kind: 'displayed' }, { kind: 'open' }, { kind: 'clicked' });
      await report('web', { kind: 'displayed' }, {}, { kind: 'dismissed' });
      await report('web', { kind: 'dismissed' });
      await report('fcm', unused, { kind: 'open' });
      await report('fcm', { ...unused, ...hidden });
      await report('fcm', { appInBackground: false });
      await report('apns', { appInBackground: null });
      await report('apns', { ...unused, hasDisplayableContent: null });
      expect((await store.summarizePublish(publish))?.insights).toEqual({
        web: { triggered: 0, acknowledged: 4, openable: 3, opened: 1 },
        fcm: { triggered: 0, acknowledged: 3, openable: 1, opened: 1 },
        apns: { triggered: 0, acknowledged: 2, openable: 0, opened: 0 },
      });
    });

    test('of a device that is gone since still count for its user', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await createWebhook(store, aWebhook(instanceId));
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      await runOne(store.removeDevices, device);
      expect(await runOne(store.recordReports, aReport(publish, device))).toEqual({ kind: 'recorded', messages: 1 });
      expect(await claimMessages(store, instanceId)).toMatchObject([{ user: { name: 'anna' } }]);
    });

    describe('belong to the user who had the device when the publish was delivered', () => {
      const subscribed = async (store: Store) => {
        const instanceId = await createInstance(store);
        await createWebhook(store, aWebhook(instanceId));
        return instanceId;
      };
      const phone = (address: string) => ({ platform: 'fcm', address, interests: ['news'] }) as const;
      const news = { platforms: ['fcm'] } as const;
      const usersTold = async (store: Store, instanceId: string) =>
        (await claimMessages(store, instanceId)).map(({ user }) => user);
      /** Until the store's clock has moved on. */
      const nextMillisecond = async () => {
        const now = Date.now();
        await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(now);
      };

      test('not to the one who has its address since', async () => {
        const store = await open();
        const instanceId = await subscribed(store);
        const annas = await register(store, instanceId, { ...phone('token'), user: 'anna' });
        const publish = await accept(store, instanceId, toInterests('news'), news);
        await fanOut(store, publish);
        await nextMillisecond();
        await runOne(store.removeDevices, annas);
        const bens = await register(store, instanceId, { ...phone('token'), user: 'ben' });
        expect(await runOne(store.recordReports, aReport(publish, bens))).toEqual({ kind: 'recorded', messages: 1 });
        // The same phone, under the name that it had.
        expect(await runOne(store.recordReports, aReport(publish, annas))).toEqual({ kind: 'repeat' });
        expect(await usersTold(store, instanceId)).toEqual([{ name: 'anna' }]);
      });

      test('to nobody when the device belonged to nobody then', async () => {
        const store = await open();
        const instanceId = await subscribed(store);
        const device = await register(store, instanceId, phone('token'));
        const publish = await accept(store, instanceId, toInterests('news'), news);
        await fanOut(store, publish);
        await nextMillisecond();
        await runOne(store.setDeviceUsers, { ...device, user: 'anna', maxDevices: 100 });
        expect(await runOne(store.recordReports, aReport(publish, device))).toEqual({ kind: 'recorded', messages: 0 });
      });

      test('to the user who came while it was being sent', async () => {
        const store = await open();
        const instanceId = await subscribed(store);
        const device = await register(store, instanceId, phone('token'));
        const publish = await accept(store, instanceId, toInterests('news'), news);
        await nextMillisecond();
        await runOne(store.setDeviceUsers, { ...device, user: 'anna', maxDevices: 100 });
        expect(await runOne(store.recordReports, aReport(publish, device))).toEqual({ kind: 'recorded', messages: 1 });
        await fanOut(store, publish);
        expect(await runOne(store.recordReports, aReport(publish, device, { kind: 'open' }))).toMatchObject({
          kind: 'recorded',
        });
        expect(await usersTold(store, instanceId)).toEqual([{ name: 'anna' }]);
      });

      test('to nobody when the device was not there, or its user was not published to', async () => {
        const store = await open();
        const instanceId = await subscribed(store);
        const bens = await register(store, instanceId, { ...phone('ben'), user: 'ben' });
        const toAnna = await accept(store, instanceId, toUsers('anna'), news);
        const toNews = await accept(store, instanceId, toInterests('news'), news);
        await nextMillisecond();
        const later = await register(store, instanceId, { ...phone('later'), user: 'anna' });
        for (const report of [aReport(toAnna, bens), aReport(toAnna, later), aReport(toNews, later)]) {
          expect(await runOne(store.recordReports, report)).toEqual({ kind: 'recorded', messages: 0 });
        }
        expect(await runOne(store.recordReports, aReport(toNews, bens))).toEqual({ kind: 'recorded', messages: 1 });
      });
    });

    test('make no message for a device of nobody, of an erased user, or when told not to', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await createWebhook(store, aWebhook(instanceId));
      const publish = await accept(store, instanceId, toUsers('anna'));
      const nobodys = await register(store, instanceId);
      const erased = await register(store, instanceId, { user: 'erased' });
      await runOne(store.eraseUsers, { instanceId, user: 'erased' });
      const annas = await register(store, instanceId, { user: 'anna' });
      const reports = [
        aReport(publish, nobodys),
        aReport(publish, erased),
        aReport(publish, annas, { notifiesUserWebhooks: false }),
      ];
      for (const report of reports) {
        expect(await runOne(store.recordReports, report)).toEqual({ kind: 'recorded', messages: 0 });
        expect(await runOne(store.recordReports, report)).toEqual({ kind: 'repeat' });
      }
      expect(await claimMessages(store, instanceId)).toEqual([]);
    });

    test('of unknown devices and publishes are told apart and counted', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      const publish = await accept(store, instanceId, toUsers('anna'));
      const report = aReport(publish, device);
      const record = (change: object) => runOne(store.recordReports, { ...report, ...change });
      expect(await record({ deviceId: randomUUID() })).toEqual({ kind: 'unknown-device' });
      expect(await record({ platform: 'fcm' })).toEqual({ kind: 'unknown-device' });
      expect(await record({ publishId: uuidV7() })).toEqual({ kind: 'unknown-publish' });
      expect(await record({ instanceId: await createInstance(store) })).toEqual({ kind: 'unknown-publish' });
      await runOne(store.countIgnoredReports, { instanceId, reason: 'unknown-device' });
      const day = expect.any(Number) as number;
      expect(await store.listIgnoredReports(instanceId, 2)).toEqual([
        { day, reason: 'unknown-device', count: 3 },
        { day, reason: 'unknown-publish', count: 1 },
      ]);
    });
  });
}

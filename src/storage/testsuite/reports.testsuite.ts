import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  aReport,
  aWebhook,
  claimMessages,
  createInstance,
  createWebhook,
  register,
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

    test('of unknown devices and publishes are told apart', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId);
      const publish = await accept(store, instanceId, toUsers('anna'));
      const report = aReport(publish, device);
      const record = (change: object) => runOne(store.recordReports, { ...report, ...change });
      expect(await record({ deviceId: randomUUID() })).toEqual({ kind: 'unknown-device' });
      expect(await record({ platform: 'fcm' })).toEqual({ kind: 'unknown-device' });
      expect(await record({ publishId: v7() })).toEqual({ kind: 'unknown-publish' });
      expect(await record({ instanceId: await createInstance(store) })).toEqual({ kind: 'unknown-publish' });
    });
  });
}

import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anAttempt,
  anInstance,
  aReport,
  aWebhook,
  claimDeliveries,
  claimMessages,
  claimRange,
  createInstance,
  createWebhook,
  deliveryOf,
  fanOut,
  isFinished,
  listMessages,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

const dayMs = 86_400_000;

/** Everything of today is old the day after tomorrow. */
const dayAfterTomorrow = () => Date.now() + 2 * dayMs;

/** Steps until nothing is left to delete; answers how many rows each of them deleted. */
async function deleteAll(store: Store, instanceId: string, maxRows = 1_000, before = dayAfterTomorrow()) {
  const steps: number[] = [];
  for (;;) {
    const { deleted, more } = await runOne(store.deleteExpired, { instanceId, before, maxRows });
    steps.push(deleted);
    if (!more) return steps;
  }
}

/** A publish to a user with a webhook, delivered and reported, all messages about it sent. */
async function wholeStory(store: Store, instanceId: string, user: string) {
  const device = await register(store, instanceId, { user, interests: ['news'] });
  const publish = await accept(store, instanceId, toUsers(user), { urlTarget: 'url:a' });
  await fanOut(store, publish);
  const report = aReport(publish, device);
  await runOne(store.recordReports, report);
  for (let round = 0; round < 2; round += 1) {
    for (const message of await claimMessages(store, instanceId)) {
      await runOne(store.completeAttempts, { ...message, attempt: anAttempt(), next: { kind: 'delivered' } });
    }
  }
  const messages = await listMessages(store, { instanceId, limit: 100 });
  return { device, publish, report, messages };
}

async function withWebhook(store: Store): Promise<string> {
  const instanceId = await createInstance(store);
  const events = ['v1.PublishToUsersAttempt', 'v1.UserNotificationAcknowledgement'] as const;
  await createWebhook(store, aWebhook(instanceId, { events }));
  return instanceId;
}

export function retentionSuite(open: OpenStore): void {
  describe('retention', () => {
    test('deletes what is over, with everything that belongs to it, and leaves other instances alone', async () => {
      const store = await open();
      const [instanceId, other] = [await withWebhook(store), await withWebhook(store)];
      const { device, publish, report, messages } = await wholeStory(store, instanceId, 'anna');
      const kept = await wholeStory(store, other, 'anna');
      expect(messages).toHaveLength(4);
      await deleteAll(store, instanceId);
      expect(await listMessages(store, { instanceId, limit: 100 })).toEqual([]);
      for (const message of messages) expect(await store.listAttempts(message)).toBeNull();
      expect(await store.summarizePublish(publish)).toBeNull();
      expect(await runOne(store.recordReports, report)).toEqual({ kind: 'unknown-publish' });
      expect(await store.findDevice(device)).toMatchObject({ user: 'anna' });
      expect(await store.listInterests({ ...device, after: '', limit: 9 })).toEqual(['news']);

      expect(await listMessages(store, { instanceId: other, limit: 100 })).toEqual(kept.messages);
      expect(await runOne(store.recordReports, kept.report)).toEqual({ kind: 'repeat' });
    });

    test('deletes nothing of the days that are kept', async () => {
      const store = await open();
      const instanceId = await withWebhook(store);
      const { publish, report, messages } = await wholeStory(store, instanceId, 'anna');
      expect(await deleteAll(store, instanceId, 1_000, Date.now())).toEqual([0]);
      expect(await listMessages(store, { instanceId, limit: 100 })).toEqual(messages);
      expect(await store.summarizePublish(publish)).not.toBeNull();
      expect(await runOne(store.recordReports, report)).toEqual({ kind: 'repeat' });
    });

    test('takes small steps', async () => {
      const store = await open();
      const instanceId = await withWebhook(store);
      for (const user of ['a', 'b', 'c', 'd']) await wholeStory(store, instanceId, user);
      const steps = await deleteAll(store, instanceId, 5);
      expect(steps.length).toBeGreaterThan(10);
      // The last publish of a step, or the last message with its attempt, may go beyond.
      expect(Math.max(...steps)).toBeLessThanOrEqual(5 + 3);
      expect(await listMessages(store, { instanceId, limit: 100 })).toEqual([]);
      expect(await deleteAll(store, instanceId, 5)).toEqual([0]);
    });

    test('a message that waits stays, with the publish and the user that it is about', async () => {
      const store = await open();
      const instanceId = await withWebhook(store);
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      await fanOut(store, publish);
      await runOne(store.recordReports, aReport(publish, device));
      await runOne(store.removeDevices, device);
      await deleteAll(store, instanceId);
      await deleteAll(store, instanceId);
      const messages = await claimMessages(store, instanceId);
      expect(messages).toMatchObject([{ user: null }, { user: { name: 'anna' } }]);
      expect(await store.summarizePublish(publish)).toMatchObject({ users: { delivered: ['anna'] } });
      for (const message of messages) {
        await runOne(store.completeAttempts, { ...message, attempt: null, next: { kind: 'exhausted' } });
      }
      await deleteAll(store, instanceId);
      expect(await store.summarizePublish(publish)).toBeNull();
    });

    test('a publish that is not finished stays, and so does a tombstone that a delivery waits for', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId, { interests: ['a'] });
      const untouched = await accept(store, instanceId, toInterests('b'), { sendAfter: Date.now() + 60_000 });
      const publish = await accept(store, instanceId, toInterests('a'));
      const range = await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      const outcome = { kind: 'deferred', retryInMs: 0, attempts: 1, claimToken: null } as const;
      const deliveries = devices.map((each) => deliveryOf(each, outcome));
      await runOne(store.recordPages, { ...range, deliveries, next: null, leaseMs: 0 });
      await runOne(store.removeDevices, device);
      await deleteAll(store, instanceId);
      expect(await claimDeliveries(store, instanceId)).toMatchObject([{ ...publish, deviceGone: true }]);
      expect(await store.summarizePublish(untouched)).not.toBeNull();
    });

    test('a tombstone has no interests, takes late reports, and is deleted when its time is over', async () => {
      const store = await open();
      const instanceId = await withWebhook(store);
      const device = await register(store, instanceId, { user: 'anna', interests: ['a', 'b'] });
      const publish = await accept(store, instanceId, toInterests('a'));
      await fanOut(store, publish);
      await runOne(store.removeDevices, device);
      const next = await accept(store, instanceId, toInterests('a', 'b'));
      expect(await isFinished(store, next)).toBe(true);
      // Registered again, the address is a new device: nothing of the tombstone comes back with it.
      const again = await register(store, instanceId, { address: device.address });
      expect(await store.listInterests({ ...again, after: '', limit: 9 })).toEqual([]);
      await deleteAll(store, instanceId, 1_000, Date.now());
      expect(await runOne(store.recordReports, aReport(publish, device))).toMatchObject({ kind: 'recorded' });
      await deleteAll(store, instanceId);
      const late = aReport(await accept(store, instanceId, toInterests('a')), device);
      expect(await runOne(store.recordReports, late)).toEqual({ kind: 'unknown-device' });
    });

    test('users are deleted when nothing refers to them, erased ones too; those with a device stay', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const users = { staying: await register(store, instanceId, { user: 'staying' }), instanceId };
      await register(store, instanceId, { user: 'erased' });
      await runOne(store.eraseUsers, { instanceId, user: 'erased' });
      await fanOut(store, await accept(store, instanceId, toUsers('nobody', 'staying')));
      const steps = [await deleteAll(store, instanceId), await deleteAll(store, instanceId)];
      expect(steps.flat().reduce((sum, deleted) => sum + deleted, 0)).toBeGreaterThan(0);
      expect(await store.findDevice(users.staying)).toMatchObject({ user: 'staying' });
      const third = await register(store, instanceId, { user: 'nobody' });
      expect(await store.findDevice(third)).toMatchObject({ user: 'nobody' });
    });

    test('a previous secret key is forgotten when its overlap is over', async () => {
      const store = await open();
      const key = new Uint8Array([1]);
      const [over, running] = [1, Date.now() + dayMs].map((endsAt) =>
        anInstance({ previousSecretKey: { key, endsAt } }),
      );
      for (const instance of [over, running]) {
        if (!instance) throw new Error('an instance is missing');
        await runOne(store.createInstances, instance);
        await deleteAll(store, instance.id, 10, 0);
      }
      expect((await store.findInstance(over?.id ?? ''))?.previousSecretKey).toBeNull();
      expect((await store.findInstance(running?.id ?? ''))?.previousSecretKey).toEqual(running?.previousSecretKey);
    });
  });
}

import { describe, expect, test } from 'vitest';
import { runOne, StoreUnavailable } from '../../core/ports/command.ts';
import type { AcceptPublish } from '../../core/ports/publish-store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  aDevice,
  aReport,
  aWebhook,
  claimMessages,
  claimRanges,
  createAudience,
  createInstance,
  createWebhook,
  fanOut,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

export function batchesSuite(open: OpenStore): void {
  describe('batches', () => {
    test('are answered an item at a time, in order', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = aDevice(instanceId);
      const results = await store.registerDevices([device, aDevice(instanceId), device]);
      expect(results).toMatchObject([true, true, false].map((created) => ({ ok: true, value: { created } })));
      expect(await store.registerDevices([])).toEqual([]);
    });

    test('a poisoned item fails alone: those beside it are committed, nothing of it is', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const [good, alsoGood] = [aDevice(instanceId), aDevice(instanceId)];
      const poisoned = { ...aDevice(instanceId), metadata: null as unknown as string };
      const results = await store.registerDevices([good, poisoned, alsoGood]);
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
      const [, failure] = results;
      expect(failure && !failure.ok && failure.error).toBeInstanceOf(Error);
      for (const [device, known] of [
        [good, true],
        [poisoned, false],
        [alsoGood, true],
      ] as const) {
        expect((await store.findDevice(device)) !== null).toBe(known);
      }
    });

    test('a publish that cannot be stored fails alone', async () => {
      const store = await open();
      const instanceId = await createAudience(store);
      const item = (body: unknown): AcceptPublish => ({
        ...{ instanceId, publishId: uuidV7(), target: toInterests('a'), platforms: ['web'], urlTarget: null },
        body: body as AcceptPublish['body'],
      });
      const items = [item({ content: {} }), item(undefined), item({ content: {} })];
      const results = await store.acceptPublishes(items);
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
      const claimed = await claimRanges(store, instanceId);
      expect(claimed.map(({ publishId }) => publishId)).toEqual([items[0]?.publishId, items[2]?.publishId]);
    });

    test('what a poisoned item wrote before it failed is undone', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const webhook = await createWebhook(store, aWebhook(instanceId, { events: ['v1.UserNotificationOpen'] }));
      const events = ['v1.PublishToUsersAttempt', null] as never;
      await expect(
        runOne(store.updateWebhooks, { ...webhook, customData: '{"b":2}', events, expected: webhook.secret }),
      ).rejects.toThrow(Error);
      expect(await store.findWebhook(instanceId, webhook.id)).toEqual(webhook);
      await expect(runOne(store.createWebhooks, webhook)).rejects.toThrow(Error);
    });

    test('commands of the same moment do not disturb each other', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await createWebhook(store, aWebhook(instanceId));
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      const report = aReport(publish, device);
      const poisoned = { ...report, kind: 'open' as const, happenedAt: null as unknown as number };
      const [first, bad, second, registered] = await Promise.allSettled([
        runOne(store.recordReports, report),
        runOne(store.recordReports, poisoned),
        runOne(store.recordReports, report),
        runOne(store.registerDevices, aDevice(instanceId)),
      ]);
      expect(first).toMatchObject({ value: { kind: 'recorded', messages: 1 } });
      expect(bad?.status).toBe('rejected');
      expect(second).toMatchObject({ value: { kind: 'repeat' } });
      expect(registered).toMatchObject({ value: { created: true } });
      expect(await claimMessages(store, instanceId)).toHaveLength(1);
    });
  });

  describe('the store as a whole', () => {
    test('tells when work falls due', async () => {
      const store = await open();
      expect(await store.nextDue()).toEqual({ ranges: null, deliveries: null, messages: null, replays: null });
      const publish = await accept(store, await createAudience(store), toInterests('a'), { urlTarget: 'url:a' });
      // Two threads may not agree about a millisecond, here and below.
      await expect.poll(() => store.nextDue()).toEqual({ ranges: 0, deliveries: null, messages: 0, replays: null });
      await fanOut(store, publish);
      await claimMessages(store, publish.instanceId, { limit: 10, leaseMs: 60_000 });
      const due = await store.nextDue();
      expect(due.ranges).toBeNull();
      expect(due.messages).toBeGreaterThan(0);
      expect(due.messages).toBeLessThan(61_000);
    });

    test('is closed once, and unavailable from then on', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await Promise.all([store.close(), store.close()]);
      await expect(store.registerDevices([aDevice(instanceId)])).rejects.toThrow(StoreUnavailable);
      await expect(store.findInstance(instanceId)).rejects.toThrow(StoreUnavailable);
      await expect(store.check()).rejects.toThrow(StoreUnavailable);
    });

    test('says that it can write', async () => {
      const store = await open();
      await expect(store.check()).resolves.toBeUndefined();
    });
  });
}

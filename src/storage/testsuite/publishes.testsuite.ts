import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { AudienceCursor, ClaimedRange } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  anAttempt,
  aWebhook,
  claimMessages,
  claimRange,
  claimRanges,
  createAudience,
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

/** Addresses of the whole range, read page by page. */
async function readAudience(store: Store, range: ClaimedRange, limit: number): Promise<string[]> {
  const addresses: string[] = [];
  let cursor: AudienceCursor | null = range.cursor;
  while (cursor) {
    const page = await store.readAudiencePage(range, cursor, limit);
    expect(page.devices.length).toBeLessThanOrEqual(limit);
    addresses.push(...page.devices.map(({ address }) => address));
    cursor = page.next;
  }
  return addresses;
}

const addressesOf = (devices: readonly { readonly address: string }[]) => devices.map(({ address }) => address);

export function publishesSuite(open: OpenStore): void {
  describe('audience of interests', () => {
    test('holds each device once, in order, whatever the size of the page', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const sets = [['a'], ['b'], ['a', 'b', 'c'], ['x'], ['c'], ['a', 'c'], ['b']];
      const devices = [];
      for (const interests of sets) devices.push(await register(store, instanceId, { interests }));
      await register(store, await createInstance(store), { interests: ['a'] });
      const range = await claimRange(store, await accept(store, instanceId, toInterests('a', 'b', 'c', 'a')));
      expect(range.audience).toEqual({ kind: 'interests', interests: ['a', 'b', 'c'] });
      const expected = addressesOf(devices.filter((_, index) => index !== 3));
      for (const limit of [1, 2, 3, 6, 7, 100]) expect(await readAudience(store, range, limit)).toEqual(expected);
    });

    test('leaves out other platforms, devices that are gone and devices that came later', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const interests = ['a'];
      const web = await register(store, instanceId, { interests });
      await register(store, instanceId, { interests, platform: 'apns' });
      const fcm = await register(store, instanceId, { interests, platform: 'fcm' });
      const gone = await register(store, instanceId, { interests });
      const publish = await accept(store, instanceId, toInterests('a'), { platforms: ['web', 'fcm'] });
      await runOne(store.removeDevices, gone);
      await register(store, instanceId, { interests });
      const range = await claimRange(store, publish);
      for (const limit of [1, 10]) expect(await readAudience(store, range, limit)).toEqual(addressesOf([web, fcm]));
    });

    test('tells how to reach a device and whose it is', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const keys = new Uint8Array([1, 2, 3]);
      const metadata = '{"sdkVersion":"0.9.9"}';
      const nobodys = await register(store, instanceId, { interests: ['a'], keys, metadata });
      const annas = await register(store, instanceId, { interests: ['a'], user: 'anna', keys });
      const long = JSON.stringify({ sdkVersion: '0.9.9', more: 'x'.repeat(1024) });
      const nosy = await register(store, instanceId, { interests: ['a'], keys, metadata: long });
      const range = await claimRange(store, await accept(store, instanceId, toInterests('a')));
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      const numbers = { deviceNumber: expect.any(Number), registeredAt: expect.any(Number) };
      const device = { platform: 'web', keys, bundleIdentifier: null, ...numbers };
      expect(devices).toEqual([
        { ...device, address: nobodys.address, userNumber: null, tracksDelivery: false },
        { ...device, address: annas.address, userNumber: expect.any(Number), tracksDelivery: true },
        // No SDK says so much, and it would be read for each push.
        { ...device, address: nosy.address, userNumber: null, tracksDelivery: true },
      ]);
    });
  });

  describe('audience of users', () => {
    test('holds the living devices of the users, in order, whatever the size of the page', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const anna1 = await register(store, instanceId, { user: 'anna' });
      const berta = await register(store, instanceId, { user: 'berta' });
      const anna2 = await register(store, instanceId, { user: 'anna' });
      await register(store, instanceId, { user: 'anna', platform: 'fcm' });
      await runOne(store.removeDevices, await register(store, instanceId, { user: 'berta' }));
      await register(store, instanceId, { user: 'carla' });
      const target = toUsers('berta', 'nobody', 'anna', 'anna');
      const range = await claimRange(store, await accept(store, instanceId, target));
      expect(range).toMatchObject({ audience: { kind: 'users' } });
      for (const limit of [1, 2, 3, 100]) {
        expect(await readAudience(store, range, limit)).toEqual(addressesOf([anna1, anna2, berta]));
      }
    });

    test('is empty for users without devices, and the publish still finishes', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, toUsers('nobody'));
      expect(await fanOut(store, publish)).toEqual({ kind: 'recorded', finished: true });
      const summary = await store.summarizePublish(publish);
      expect(summary?.finishedAt).toEqual(expect.any(Number));
      expect(summary?.users).toEqual({ all: ['nobody'], delivered: [], noDevices: ['nobody'], failed: [] });
    });
  });

  describe('outcomes', () => {
    test('are counted by platform and kind', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const kinds = ['accepted', 'accepted', 'gone', 'rejected', 'failed'] as const;
      for (const kind of kinds) await register(store, instanceId, { interests: ['a'], address: kind + instanceId });
      const last = await register(store, instanceId, { interests: ['a'], platform: 'fcm' });
      expect(new Set(kinds).size).toBe(4);
      const publish = await accept(store, instanceId, toInterests('a'), { platforms: ['web', 'fcm'] });
      await fanOut(store, publish, (address) => ({
        kind: kinds.find((kind) => address.startsWith(kind)) ?? 'rejected',
      }));
      expect((await store.summarizePublish(publish))?.counts).toEqual({
        web: { accepted: 1, gone: 1, rejected: 1, failed: 1, unauthorized: 0 },
        fcm: { accepted: 0, gone: 0, rejected: 1, failed: 0, unauthorized: 0 },
      });
      expect(await store.findDevice(last)).not.toBeNull();
    });

    test('a user is delivered with one accepted device, failed with none, and without devices otherwise', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const good = await register(store, instanceId, { user: 'delivered' });
      await register(store, instanceId, { user: 'delivered' });
      await register(store, instanceId, { user: 'gone' });
      await register(store, instanceId, { user: 'other-platform', platform: 'apns' });
      const target = toUsers('delivered', 'gone', 'other-platform', 'nobody');
      const publish = await accept(store, instanceId, target);
      await fanOut(store, publish, (address) => ({ kind: address === good.address ? 'accepted' : 'gone' }));
      expect((await store.summarizePublish(publish))?.users).toEqual({
        all: ['delivered', 'gone', 'other-platform', 'nobody'],
        delivered: ['delivered'],
        failed: ['gone'],
        noDevices: ['other-platform', 'nobody'],
      });
    });

    test('a state never falls back: failed after delivered stays delivered', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await register(store, instanceId, { user: 'anna' });
      await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      const range = await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      const between = { user: 1, device: 1 };
      for (const [device, kind, cursor, next] of [
        [devices[0], 'accepted', range.cursor, between],
        [devices[1], 'failed', between, null],
      ] as const) {
        if (!device) throw new Error('a device is missing');
        const deliveries = [deliveryOf(device, { kind })];
        await runOne(store.recordPages, { ...range, cursor, deliveries, next, leaseMs: 60_000 });
      }
      expect((await store.summarizePublish(publish))?.users).toMatchObject({ delivered: ['anna'], failed: [] });
    });

    test('a device that is gone is removed only while it still has the address', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const dead = await register(store, instanceId, { interests: ['a'] });
      const moved = await register(store, instanceId, { interests: ['a'] });
      const publish = await accept(store, instanceId, toInterests('a'));
      const range = await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      const deliveries = devices.map((device) => ({
        ...deliveryOf(device, { kind: 'gone' }),
        address: device.address === moved.address ? 'address before' : device.address,
      }));
      await runOne(store.recordPages, { ...range, deliveries, next: null, leaseMs: 0 });
      expect(await store.findDevice(dead)).toBeNull();
      expect(await store.findDevice(moved)).not.toBeNull();
    });

    test('erased users are left out of the summary', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, toUsers('anna', 'berta'));
      await fanOut(store, publish);
      await runOne(store.eraseUsers, { instanceId, user: 'anna' });
      expect((await store.summarizePublish(publish))?.users).toMatchObject({ all: ['berta'], noDevices: ['berta'] });
    });

    test('users are in the order of the request', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      await accept(store, instanceId, toUsers('zoe', 'anna'));
      const publish = await accept(store, instanceId, toUsers('berta', 'anna', 'zoe', 'anna'));
      expect((await store.summarizePublish(publish))?.users.all).toEqual(['berta', 'anna', 'zoe']);
    });

    test('an unknown publish has no summary', async () => {
      const store = await open();
      const publish = await accept(store, await createInstance(store), toInterests('a'));
      const instanceId = await createInstance(store);
      expect(await store.summarizePublish({ ...publish, instanceId })).toBeNull();
    });
  });

  describe('closing events', () => {
    test('a publish to users tells each subscribed webhook once, one to interests tells none', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const events = ['v1.PublishToUsersAttempt'] as const;
      const webhooks = [
        await createWebhook(store, aWebhook(instanceId, { events })),
        await createWebhook(store, aWebhook(instanceId, { events })),
      ];
      await createWebhook(store, aWebhook(instanceId, { events: ['v1.UserNotificationOpen'] }));
      await fanOut(store, await accept(store, instanceId, toInterests('a')));
      const publish = await accept(store, instanceId, toUsers('anna'));
      await fanOut(store, publish);
      const messages = await claimMessages(store, instanceId);
      expect(messages).toHaveLength(2);
      expect(new Set(messages.map(({ webhookId }) => webhookId))).toEqual(new Set(webhooks.map(({ id }) => id)));
      expect(new Set(messages.map(({ eventId }) => eventId)).size).toBe(1);
      for (const message of messages) expect(message).toMatchObject({ ...publish, eventType: events[0], user: null });
    });

    test('a publish that no device has is finished with its commit', async () => {
      const store = await open();
      const [instanceId, elsewhere] = [await createInstance(store), await createInstance(store)];
      await register(store, elsewhere, { interests: ['a'], user: 'anna' });
      await runOne(store.removeDevices, await register(store, instanceId, { interests: ['a'], user: 'anna' }));
      await register(store, instanceId, { interests: ['b'], user: 'berta', platform: 'fcm' });
      for (const target of [toInterests('a', 'c'), toUsers('anna', 'nobody')]) {
        const publish = await accept(store, instanceId, target, { urlTarget: 'url:a' });
        expect(await isFinished(store, publish)).toBe(true);
        const messages = await listMessages(store, { ...publish, limit: 10 });
        expect(messages.map(({ eventType }) => eventType).sort()).toEqual(['publish.finished', 'publish.started']);
      }
      expect(await claimRanges(store, instanceId)).toEqual([]);
      const later = { sendAfter: Date.now() + 60_000 };
      expect(await isFinished(store, await accept(store, instanceId, toInterests('a'), later))).toBe(false);
      // That none of the devices is on a platform of the publish is found out by its range.
      for (const target of [toInterests('a', 'b'), toUsers('anna', 'berta')]) {
        expect(await isFinished(store, await accept(store, instanceId, target))).toBe(false);
      }
      expect(await claimRanges(store, instanceId)).toHaveLength(2);
    });

    test('FINISHED waits until STARTED had its first attempt', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const publish = await accept(store, instanceId, toInterests('a'), { urlTarget: 'url:a' });
      await fanOut(store, publish);
      const [started, ...others] = await claimMessages(store, instanceId);
      expect(others).toEqual([]);
      if (!started) throw new Error('STARTED is missing');
      const about = { ...publish, target: 'url:a', webhookId: null };
      expect(started).toMatchObject({ ...about, eventType: 'publish.started', attempts: 0 });
      const finishedView = { eventType: 'publish.finished', state: 'waiting', dueAt: null };
      expect((await listMessages(store, { ...publish, limit: 10 }))[0]).toMatchObject(finishedView);
      const attempt = anAttempt({ status: 500 });
      const next = { kind: 'retry', retryInMs: 60_000 } as const;
      expect(await runOne(store.completeAttempts, { ...started, attempt, next })).toBe('recorded');
      expect(await claimMessages(store, instanceId)).toMatchObject([{ ...about, eventType: 'publish.finished' }]);
    });

    test('FINISHED is due at once when STARTED had an attempt, or will never have one', async () => {
      const store = await open();
      const instanceId = await createAudience(store);
      const attempt = anAttempt();
      for (const completion of [
        { attempt, next: { kind: 'delivered' } as const },
        { attempt: null, next: { kind: 'dropped', reason: 'webhook-deleted' } as const },
      ]) {
        const publish = await accept(store, instanceId, toInterests('a'), { urlTarget: 'url:a' });
        const [started] = await claimMessages(store, instanceId);
        if (!started) throw new Error('STARTED is missing');
        await runOne(store.completeAttempts, { ...started, ...completion });
        await fanOut(store, publish);
        expect(await claimMessages(store, instanceId)).toMatchObject([{ ...publish, eventType: 'publish.finished' }]);
      }
    });
  });
}

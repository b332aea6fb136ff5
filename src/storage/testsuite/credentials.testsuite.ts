import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { CredentialsRecord } from '../../core/ports/credentials-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import { anInstance, aWebhook, claimMessages, createInstance, createWebhook, listMessages } from './fixtures.ts';

const expiring = 'v1.CredentialsExpiring' as const;

const someCredentials = (instanceId: string, change: Partial<CredentialsRecord> = {}): CredentialsRecord => ({
  instanceId,
  platform: 'apns',
  credentials: new Uint8Array(Buffer.from('sealed credentials')),
  fingerprint: 'f'.repeat(64),
  setAt: 1_000,
  expiresAt: 5_000,
  ...change,
});

/** Of the instance, whatever the store holds of others. */
async function announce(store: Store, instanceId: string, before: number) {
  const views = await runOne(store.announceExpiring, { before, limit: 1_000 });
  return views.filter((view) => view.instanceId === instanceId);
}

export function credentialsSuite(open: OpenStore): void {
  describe('credentials of push services', () => {
    test('are kept by platform, replaced and deleted', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const apns = someCredentials(instanceId);
      const fcm = someCredentials(instanceId, { platform: 'fcm', expiresAt: null });
      expect(await runOne(store.saveCredentials, someCredentials(randomUUID()))).toBe('unknown-instance');
      expect(await runOne(store.saveCredentials, apns)).toBe('saved');
      expect(await runOne(store.saveCredentials, fcm)).toBe('saved');
      expect(await store.findCredentials(apns)).toEqual(apns);
      const renewed = { ...apns, fingerprint: '0'.repeat(64), setAt: 2_000, expiresAt: 9_000 };
      expect(await runOne(store.saveCredentials, renewed)).toBe('saved');
      expect(await store.findCredentials(apns)).toEqual(renewed);
      expect(await store.findCredentials(fcm)).toEqual(fcm);
      expect(await runOne(store.deleteCredentials, apns)).toBe('deleted');
      expect(await runOne(store.deleteCredentials, apns)).toBe('unknown-credentials');
      expect(await store.findCredentials(apns)).toBeNull();
    });

    test('are listed by when they expire', async () => {
      const store = await open();
      const instances = [await createInstance(store), await createInstance(store)];
      const [late = '', early = ''] = instances;
      for (const [instanceId, expiresAt] of [
        [late, 5_002],
        [early, 5_001],
      ] as const) {
        await runOne(store.saveCredentials, someCredentials(instanceId, { expiresAt }));
        await runOne(store.saveCredentials, someCredentials(instanceId, { platform: 'fcm', expiresAt: null }));
      }
      const list = async (since: number, before: number) =>
        (await store.listExpiringCredentials({ since, before, limit: 1_000 }))
          .filter(({ instanceId }) => instances.includes(instanceId))
          .map(({ instanceId }) => instanceId);
      expect(await list(0, 6_000)).toEqual([early, late]);
      expect(await list(5_002, 6_000)).toEqual([late]);
      expect(await list(5_001, 5_002)).toEqual([early]);
      expect(await store.listExpiringCredentials({ since: 0, before: 6_000, limit: 1 })).toHaveLength(1);
    });

    test('are announced once before they expire, to those who subscribed to it, and in the feed', async () => {
      const store = await open();
      const instance = anInstance({ feed: true });
      await runOne(store.createInstances, instance);
      const told = await createWebhook(store, aWebhook(instance.id, { events: [expiring] }));
      await createWebhook(store, aWebhook(instance.id, { events: ['v1.WebhookDisabled', 'v1.PublishToUsersAttempt'] }));
      const elsewhere = await createInstance(store);
      await createWebhook(store, aWebhook(elsewhere, { events: [expiring] }));
      const apns = someCredentials(instance.id);
      await runOne(store.saveCredentials, apns);
      await runOne(store.saveCredentials, someCredentials(instance.id, { platform: 'fcm', expiresAt: null }));

      expect(await announce(store, instance.id, 5_000)).toEqual([]);
      const { credentials: _, ...view } = apns;
      expect(await announce(store, instance.id, 5_001)).toEqual([view]);
      const details = { platform: 'apns', fingerprint: apns.fingerprint, expiresAt: 5_000 };
      const about = { publishId: null, user: null, device: null, details };
      expect(await claimMessages(store, instance.id)).toMatchObject([
        { eventType: expiring, webhookId: told.id, ...about },
      ]);
      const feed = await store.readFeed({ instanceId: instance.id, start: { kind: 'beginning' }, limit: 10 });
      expect(feed).toMatchObject({ events: [{ eventType: expiring, ...about }] });
      expect(await claimMessages(store, elsewhere)).toEqual([]);

      // Neither a restart nor the same file set again is a reason to tell it twice; a renewed one is another.
      expect(await announce(store, instance.id, 5_001)).toEqual([]);
      await runOne(store.saveCredentials, { ...apns, setAt: 2_000 });
      expect(await announce(store, instance.id, 5_001)).toEqual([]);
      await runOne(store.saveCredentials, { ...apns, expiresAt: 7_000 });
      expect(await announce(store, instance.id, 5_001)).toEqual([]);
      expect(await announce(store, instance.id, 7_001)).toMatchObject([{ expiresAt: 7_000 }]);
      expect(await listMessages(store, { instanceId: instance.id, limit: 10 })).toHaveLength(2);
    });

    test('are announced in portions', async () => {
      const store = await open();
      const instances = await Promise.all([1, 2, 3].map(() => createInstance(store)));
      for (const id of instances) await runOne(store.saveCredentials, someCredentials(id, { expiresAt: 4_000 }));
      const seen: string[] = [];
      for (let portion; portion !== 0;) {
        const views = await runOne(store.announceExpiring, { before: 4_001, limit: 2 });
        portion = views.length;
        expect(portion).toBeLessThanOrEqual(2);
        seen.push(...views.map(({ instanceId }) => instanceId).filter((id) => instances.includes(id)));
      }
      expect(seen.toSorted()).toEqual(instances.toSorted());
    });
  });
}

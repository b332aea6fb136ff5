import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import { accept, claimDeliveries, createInstance, deliveryOf, fanOut, register, toUsers } from './fixtures.ts';

/** A publish to user anna whose one delivery was deferred. */
async function deferOne(store: Store, given: { retryInMs?: number; claimToken?: string } = {}) {
  const { retryInMs = 0, claimToken = null } = given;
  const instanceId = await createInstance(store);
  const metadata = '{"sdkVersion":"0.9.9"}';
  const device = await register(store, instanceId, { user: 'anna', keys: new Uint8Array([4, 5]), metadata });
  const publish: PublishKey = await accept(store, instanceId, toUsers('anna'));
  const recorded = await fanOut(store, publish, () => ({ kind: 'deferred', retryInMs, attempts: 1, claimToken }));
  expect(recorded).toEqual({ kind: 'recorded', finished: false });
  return { instanceId, device, publish };
}

export function deliveriesSuite(open: OpenStore): void {
  describe('deferred deliveries', () => {
    test('keep the publish open, are claimed when due, and the last one finishes it', async () => {
      const store = await open();
      const { instanceId, device, publish } = await deferOne(store);
      const [claimed, ...others] = await claimDeliveries(store, instanceId);
      expect(others).toEqual([]);
      if (!claimed) throw new Error('the delivery is not due');
      expect(claimed).toMatchObject({ ...publish, deviceGone: false, attempts: 1, body: expect.any(Uint8Array) });
      expect(claimed.firstAttemptAt).toEqual(expect.any(Number));
      const { address } = device;
      expect(claimed.device).toMatchObject({ address, keys: new Uint8Array([4, 5]), tracksDelivery: false });
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      const delivery = deliveryOf(claimed.device, { kind: 'accepted', tracked: true });
      // The second time because the first one's answer was lost.
      for (let times = 0; times < 2; times++)
        expect(await runOne(store.completeDeliveries, { ...claimed, delivery })).toEqual({
          kind: 'recorded',
          finished: true,
        });
      expect(await store.summarizePublish(publish)).toMatchObject({
        finishedAt: expect.any(Number),
        counts: { web: { accepted: 1 } },
        insights: { web: { triggered: 1 } },
        users: { delivered: ['anna'] },
      });
    });

    test('a claim whose lease ended is stale once somebody else claimed', async () => {
      const store = await open();
      const { instanceId, publish } = await deferOne(store);
      const [lost] = await claimDeliveries(store, instanceId, { limit: 1, leaseMs: 0 });
      const [claimed] = await claimDeliveries(store, instanceId);
      if (!lost || !claimed) throw new Error('the delivery is not due');
      const delivery = deliveryOf(claimed.device, { kind: 'failed' });
      expect(await runOne(store.completeDeliveries, { ...lost, delivery })).toEqual({ kind: 'stale' });
      expect((await store.summarizePublish(publish))?.counts).toEqual({});
      expect(await runOne(store.completeDeliveries, { ...claimed, delivery })).toMatchObject({ finished: true });
    });

    test('are deferred again with more attempts and the first attempt’s time', async () => {
      const store = await open();
      const { instanceId } = await deferOne(store);
      const [first] = await claimDeliveries(store, instanceId);
      if (!first) throw new Error('the delivery is not due');
      const outcome = { kind: 'deferred', retryInMs: 0, attempts: 2, claimToken: null } as const;
      const delivery = deliveryOf(first.device, outcome);
      expect(await runOne(store.completeDeliveries, { ...first, delivery })).toEqual({
        kind: 'recorded',
        finished: false,
      });
      const [second] = await claimDeliveries(store, instanceId);
      expect(second).toMatchObject({ attempts: 2, firstAttemptAt: first.firstAttemptAt });
    });

    test('are not due before their time', async () => {
      const store = await open();
      const { instanceId } = await deferOne(store, { retryInMs: 60_000 });
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      const { deliveries } = await store.nextDue();
      expect(deliveries).toBeGreaterThan(0);
      expect(deliveries).toBeLessThan(61_000);
    });

    test('whoever still waits for the gateway holds the row by its own token', async () => {
      const store = await open();
      const claimToken = randomUUID();
      const { instanceId, publish } = await deferOne(store, { retryInMs: 60_000, claimToken });
      expect(await claimDeliveries(store, instanceId)).toEqual([]);
      const { devices } = await store.readAudiencePage(
        {
          ...publish,
          rangeNumber: 1,
          claimToken,
          audience: { kind: 'users' },
          platforms: ['web'],
          cursor: { user: 0, device: 0 },
          end: { user: Number.MAX_SAFE_INTEGER, device: Number.MAX_SAFE_INTEGER },
        },
        { user: 0, device: 0 },
        10,
      );
      const [device] = devices;
      if (!device) throw new Error('the device is missing');
      const delivery = deliveryOf(device, { kind: 'accepted' });
      const complete = (token: string) => runOne(store.completeDeliveries, { ...publish, claimToken: token, delivery });
      expect(await complete(randomUUID())).toEqual({ kind: 'stale' });
      expect(await complete(claimToken)).toEqual({ kind: 'recorded', finished: true });
    });

    test('tell when the device is gone by now', async () => {
      const store = await open();
      const { instanceId, device } = await deferOne(store);
      await runOne(store.removeDevices, device);
      expect(await claimDeliveries(store, instanceId)).toMatchObject([{ deviceGone: true }]);
    });
  });
}

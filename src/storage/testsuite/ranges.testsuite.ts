import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import { publishBodyPlace } from '../../core/ports/publish-store.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { testSealer } from './test-sealer.ts';
import type { OpenStore } from './fixtures.ts';
import {
  accept,
  claimRange,
  claimRanges,
  createAudience,
  createInstance,
  deliveryOf,
  register,
  toInterests,
  toUsers,
} from './fixtures.ts';

export function rangesSuite(open: OpenStore): void {
  describe('ranges', () => {
    test('a claim tells what the publish says, and holds the range', async () => {
      const store = await open();
      const instanceId = await createAudience(store);
      // What JSON, SQLite's or a copy between threads could have taken for something else.
      const request = JSON.parse(String.raw`{"__proto__":{"a":-0},"\ud800":"\u0000\u2028é","toJSON":1}`) as JsonObject;
      const body = { content: {}, request };
      const publish = await accept(store, instanceId, toInterests('a'), { platforms: ['web', 'apns'], body });
      const [range, ...others] = await claimRanges(store, instanceId);
      expect(others).toEqual([]);
      expect(range).toMatchObject({ ...publish, platforms: ['web', 'apns'], cursor: { user: 0, device: 0 } });
      const opened = testSealer.open(publishBodyPlace(publish), range?.body ?? new Uint8Array());
      expect(opened.toString()).toBe(JSON.stringify(body));
      expect(await claimRanges(store, instanceId)).toEqual([]);
    });

    test('a range whose lease ended is claimed anew, and the claim before it is stale', async () => {
      const store = await open();
      const publish = await accept(store, await createAudience(store), toInterests('a'));
      const lost = await claimRange(store, publish, { limit: 1, leaseMs: 0 });
      const range = await claimRange(store, publish);
      expect(range.claimToken).not.toBe(lost.claimToken);
      const page = { deliveries: [], next: null, leaseMs: 1_000 };
      expect(await runOne(store.recordPages, { ...lost, ...page })).toEqual({ kind: 'stale' });
      expect((await store.summarizePublish(publish))?.finishedAt).toBeNull();
      expect(await runOne(store.recordPages, { ...range, ...page })).toEqual({ kind: 'recorded', finished: true });
      expect(await runOne(store.recordPages, { ...lost, ...page, next: { user: 0, device: 1 } })).toEqual({
        kind: 'stale',
      });
    });

    test.each([
      ['a page', { user: 0, device: 7 }],
      ['a last page', null],
    ])('%s that is recorded twice counts once', async (_which, next) => {
      const store = await open();
      const publish = await accept(store, await createAudience(store), toInterests('a'));
      const range = await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(range, range.cursor, 10);
      const deliveries = devices.map((device) => deliveryOf(device, { kind: 'accepted' }));
      const page = { ...range, deliveries, next, leaseMs: 60_000 };
      for (let times = 0; times < 2; times++)
        expect(await runOne(store.recordPages, page)).toEqual({ kind: 'recorded', finished: next === null });
      expect((await store.summarizePublish(publish))?.counts.web).toMatchObject({ accepted: 1 });
    });

    test('a stale page leaves counters, users, devices and deferred deliveries alone', async () => {
      const store = await open();
      const instanceId = await createInstance(store);
      const device = await register(store, instanceId, { user: 'anna' });
      const publish = await accept(store, instanceId, toUsers('anna'));
      const lost = await claimRange(store, publish, { limit: 1, leaseMs: 0 });
      await claimRange(store, publish);
      const { devices } = await store.readAudiencePage(lost, lost.cursor, 10);
      const deferred = { kind: 'deferred', retryInMs: 0, attempts: 1, claimToken: null } as const;
      for (const outcome of [{ kind: 'gone' } as const, deferred]) {
        const deliveries = devices.map((found) => deliveryOf(found, outcome));
        const page = { ...lost, deliveries, next: null, leaseMs: 0 };
        expect(await runOne(store.recordPages, page)).toEqual({ kind: 'stale' });
      }
      expect(await store.summarizePublish(publish)).toMatchObject({ counts: {}, users: { noDevices: ['anna'] } });
      expect(await store.findDevice(device)).not.toBeNull();
      expect((await store.nextDue()).deliveries).toBeNull();
    });

    test('publishes take turns: a range given back goes behind those that wait', async () => {
      const store = await open();
      const instanceId = await createAudience(store);
      const publishes = [];
      for (let count = 0; count < 3; count += 1) publishes.push(await accept(store, instanceId, toInterests('a')));
      const turns: string[] = [];
      for (let turn = 0; turn < 6; turn += 1) {
        const [range] = await claimRanges(store, instanceId, { limit: 1, leaseMs: 60_000 });
        if (!range) throw new Error('no range is due');
        turns.push(range.publishId);
        const page = { deliveries: [], next: { user: 0, device: turn }, leaseMs: 0 };
        expect(await runOne(store.recordPages, { ...range, ...page })).toEqual({ kind: 'recorded', finished: false });
      }
      expect(new Set(turns.slice(0, 3))).toEqual(new Set(publishes.map(({ publishId }) => publishId)));
      expect(turns.slice(3)).toEqual(turns.slice(0, 3));
    });

    test('instances take turns, however many publishes one of them has', async () => {
      const store = await open();
      const [busy, quiet] = [await createAudience(store), await createAudience(store)];
      for (let count = 0; count < 20; count += 1) await accept(store, busy, toInterests('a'));
      const { publishId } = await accept(store, quiet, toInterests('a'));
      const turns: string[] = [];
      // Suites share a store: others' ranges may be due too.
      while (!turns.includes(publishId)) {
        const [range] = await runOne(store.claimRanges, { limit: 1, leaseMs: 60_000 });
        if (!range) throw new Error('no range is due');
        if ([busy, quiet].includes(range.instanceId)) turns.push(range.publishId);
      }
      expect(turns.length).toBeLessThanOrEqual(2);
      expect(await claimRanges(store, busy)).toHaveLength(21 - turns.length);
    });

    test('a page moves the cursor and renews the lease under the same token', async () => {
      const store = await open();
      const instanceId = await createAudience(store);
      const publish = await accept(store, instanceId, toInterests('a'));
      const range = await claimRange(store, publish);
      const page = { ...range, deliveries: [], next: { user: 0, device: 7 } };
      await runOne(store.recordPages, { ...page, leaseMs: 60_000 });
      expect(await claimRanges(store, instanceId)).toEqual([]);
      const nextPage = { ...page, cursor: page.next, next: { user: 0, device: 9 }, leaseMs: 0 };
      await runOne(store.recordPages, nextPage);
      expect((await claimRange(store, publish)).cursor).toEqual({ user: 0, device: 9 });
      expect(await runOne(store.recordPages, nextPage)).toEqual({ kind: 'stale' });
    });
  });
}

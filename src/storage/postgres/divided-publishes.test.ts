import { describe, expect, onTestFinished, test } from 'vitest';
import { withClient } from '../../../test/support/postgres-client.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import type { AudienceDevice, ClaimedRange, DeliveryRecord, PublishKey } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import {
  accept,
  aDevice,
  aWebhook,
  claimRange,
  createInstance,
  createWebhook,
  deliveryOf,
  listMessages,
  toInterests,
  toUsers,
} from '../testsuite/fixtures.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const devices = 150;
const leaseMs = 600_000;

/** Two nodes on one database. */
async function openNodes(): Promise<readonly [Store, Store]> {
  const database = await createMigratedDatabase();
  const open = () => openPostgresStore({ sealer: testSealer, url: database.url });
  const nodes = [await open(), await open()] as const;
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await database.drop();
  });
  return nodes;
}

/** An instance with a device for each of many users; answers their names. */
async function createUsers(store: Store): Promise<{ readonly instanceId: string; readonly users: readonly string[] }> {
  const instanceId = await createInstance(store);
  const registered = Array.from({ length: devices }, () => aDevice(instanceId));
  const users = registered.map((_, index) => `user-${index}`);
  await store.registerDevices(registered);
  await store.setDeviceUsers(
    registered.map((device, index) => ({ ...device, user: users[index] ?? '', maxDevices: 10 })),
  );
  await store.replaceInterests(registered.map((device) => ({ ...device, interests: ['all'] })));
  return { instanceId, users };
}

/** Sends a few pages of one device each, and gives the range back: now it is known how much is left. */
async function workAndGiveBack(store: Store, publish: PublishKey): Promise<readonly AudienceDevice[]> {
  const range = await claimRange(store, publish);
  const sent: AudienceDevice[] = [];
  let { cursor } = range;
  for (let count = 1; count <= 3; count += 1) {
    const page = await store.readAudiencePage(range, cursor, 1);
    sent.push(...page.devices);
    const deliveries = page.devices.map((device) => deliveryOf(device, { kind: 'accepted' }));
    const record = { ...range, cursor, deliveries, next: page.next, leaseMs: count === 3 ? 0 : leaseMs };
    await runOne(store.recordPages, record);
    if (!page.next) throw new Error('the audience is too small');
    cursor = page.next;
  }
  return sent;
}

const claimOne = async (store: Store): Promise<ClaimedRange | undefined> =>
  (await runOne(store.claimRanges, { limit: 8, leaseMs }))[0];

/** Both claim in turns until nothing is left. */
async function claimAll(nodes: readonly [Store, Store]): Promise<readonly (readonly [Store, ClaimedRange])[]> {
  const claimed: [Store, ClaimedRange][] = [];
  for (let turn = 0; ; turn += 1) {
    const node = nodes[turn % 2] as Store;
    const range = await claimOne(node);
    if (!range) return claimed;
    claimed.push([node, range]);
  }
}

/** Everything of a range in one last page. */
async function toLastPage(store: Store, range: ClaimedRange, outcome: DeliveryRecord['outcome']) {
  const page = await store.readAudiencePage(range, range.cursor, 200);
  expect(page.next).toBeNull();
  const deliveries = page.devices.map((device) => deliveryOf(device, outcome));
  return { devices: page.devices, record: { ...range, deliveries, next: null, leaseMs } };
}

describe('a large publish', () => {
  test.for(['interests', 'users', 'everyone'] as const)('to %s is divided when it is given back', async (kind) => {
    const nodes = await openNodes();
    const [store] = nodes;
    const { instanceId, users } = await createUsers(store);
    await createUsers(store);
    const target = { interests: toInterests('all'), users: toUsers(...users), everyone: { kind: 'everyone' } } as const;
    const publish = await accept(store, instanceId, target[kind]);
    const reached = [...(await workAndGiveBack(store, publish))];
    const ranges = await claimAll(nodes);
    expect(ranges.length).toBeGreaterThanOrEqual(6);
    for (const [node, range] of ranges) {
      const { devices: found, record } = await toLastPage(node, range, { kind: 'accepted' });
      expect(found.length).toBeGreaterThanOrEqual(15);
      reached.push(...found);
      await runOne(node.recordPages, record);
    }
    expect(new Set(reached.map(({ deviceNumber }) => deviceNumber)).size).toBe(devices);
    expect(reached).toHaveLength(devices);
    const summary = await store.summarizePublish(publish);
    expect(summary).toMatchObject({ finishedAt: expect.any(Number), counts: { web: { accepted: devices } } });
  });

  test('has one range that waits, so that it stands in the way of others like any publish', async () => {
    const [store] = await openNodes();
    const { instanceId } = await createUsers(store);
    const large = await accept(store, instanceId, toInterests('all'));
    await workAndGiveBack(store, large);
    const small = await accept(store, instanceId, toInterests('all'));
    const claimed = await runOne(store.claimRanges, { limit: 8, leaseMs });
    expect(claimed.map(({ publishId }) => publishId)).toEqual([large.publishId, small.publishId]);
    const except = [large.publishId];
    expect(await runOne(store.claimRanges, { limit: 8, leaseMs, except })).toEqual([]);
    const next = await claimOne(store);
    expect(next).toMatchObject(large);
    // Given back, it waits until the one that waits now had its turn.
    const page = { deliveries: [], next: next?.cursor ?? { user: 0, device: 0 }, leaseMs: 0 };
    await runOne(store.recordPages, { ...(next as ClaimedRange), ...page });
    const after: (number | undefined)[] = [];
    for (let turn = 0; turn < 12; turn += 1) after.push((await claimOne(store))?.rangeNumber);
    const numbers = after.filter((number) => number !== undefined);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.indexOf(next?.rangeNumber ?? 0)).toBeGreaterThanOrEqual(1);
    expect((await store.nextDue()).ranges).toBeGreaterThan(0);
  });

  test('that is canceled is over when the ranges in hand are', async () => {
    const nodes = await openNodes();
    const [store, other] = nodes;
    const { instanceId } = await createUsers(store);
    const publish = await accept(store, instanceId, toInterests('all'));
    await workAndGiveBack(store, publish);
    const inHand = (await claimOne(other)) as ClaimedRange;
    expect(await runOne(store.cancelPublishes, publish)).toBe('canceled');
    expect(await claimOne(store)).toBeUndefined();
    expect((await store.summarizePublish(publish))?.finishedAt).toBeNull();
    const back = { ...inHand, deliveries: [], next: inHand.cursor, leaseMs: 0 };
    expect(await runOne(other.recordPages, back)).toEqual({ kind: 'recorded', finished: true });
  });
});

test('parts that rest are not forgotten when whoever had the others did not know of them', async () => {
  const database = await createMigratedDatabase();
  const store = await openPostgresStore({ sealer: testSealer, url: database.url });
  onTestFinished(async () => {
    await store.close();
    await database.drop();
  });
  const { instanceId } = await createUsers(store);
  const publish = await accept(store, instanceId, toInterests('all'));
  await workAndGiveBack(store, publish);
  const range = (await claimOne(store)) as ClaimedRange;
  // As if it had been claimed in the moment in which it was divided: nobody has woken another one.
  await withClient(database.url, (client) => client.query('UPDATE ranges SET due_at = NULL WHERE claim_token IS NULL'));
  expect(await claimOne(store)).toBeUndefined();
  const { record } = await toLastPage(store, range, { kind: 'accepted' });
  expect(await runOne(store.recordPages, record)).toEqual({ kind: 'recorded', finished: false });
  expect(await claimOne(store)).toMatchObject(publish);
});

test('of nodes that record the last of a publish at once one finishes it', async () => {
  const nodes = await openNodes();
  const [store, other] = nodes;
  const { instanceId, users } = await createUsers(store);
  const webhook = await createWebhook(store, aWebhook(instanceId, { events: ['v1.PublishToUsersAttempt'] }));
  const publishes: PublishKey[] = [];
  for (let repetition = 0; repetition < 12; repetition += 1) {
    const publish = await accept(store, instanceId, toUsers(...users), { urlTarget: 'url:receiver' });
    publishes.push(publish);
    await workAndGiveBack(store, publish);
    const ranges = await claimAll(nodes);
    const pages = await Promise.all(
      ranges.map(async ([node, range], index) => {
        const outcome =
          index % 3 === 0
            ? ({ kind: 'deferred', retryInMs: 0, attempts: 1, claimToken: null } as const)
            : ({ kind: 'accepted' } as const);
        return [node, await toLastPage(node, range, outcome)] as const;
      }),
    );
    const [first, ...rest] = pages;
    if (!first) throw new Error('nothing was left');
    await runOne(first[0].recordPages, first[1].record);
    // Some by deferred deliveries, some by ranges: nobody knows who is the last.
    const deferred = await runOne(store.claimDeliveries, { limit: 1_000, leaseMs });
    const completions = deferred.map(({ claimToken, device }, index) => {
      const item = { ...publish, claimToken, delivery: deliveryOf(device, { kind: 'accepted' }) };
      return runOne((nodes[index % 2] as Store).completeDeliveries, item);
    });
    const records = rest.map(([node, { record }]) => runOne(node.recordPages, record));
    await Promise.all([...completions, ...records]);
    const left = await runOne(other.claimDeliveries, { limit: 1_000, leaseMs });
    const last = left.map(({ claimToken, device }, index) => {
      const item = { ...publish, claimToken, delivery: deliveryOf(device, { kind: 'accepted' }) };
      return runOne((nodes[index % 2] as Store).completeDeliveries, item);
    });
    await Promise.all(last);
  }
  for (const publish of publishes) {
    expect(await store.summarizePublish(publish)).toMatchObject({
      finishedAt: expect.any(Number),
      counts: { web: { accepted: devices } },
      users: { failed: [], noDevices: [] },
    });
    const messages = await listMessages(store, { instanceId, publishId: publish.publishId, limit: 10 });
    expect(messages.map(({ eventType }) => eventType).sort()).toEqual([
      'publish.finished',
      'publish.started',
      'v1.PublishToUsersAttempt',
    ]);
    expect(messages.filter(({ webhookId }) => webhookId === webhook.id)).toHaveLength(1);
  }
  expect(await store.nextDue()).toMatchObject({ ranges: null, deliveries: null });
});

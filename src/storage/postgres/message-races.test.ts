import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '../../../test/support/postgres.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import type { ClaimedMessage, CompleteAttempt, MessageTarget } from '../../core/ports/message-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import {
  accept,
  anAttempt,
  aReport,
  aWebhook,
  claimMessages,
  claimRange,
  createInstance,
  createWebhook,
  deliveryOf,
  listMessages,
  register,
  toInterests,
  toUsers,
} from '../testsuite/fixtures.ts';
import { Database } from './database.ts';
import type { Sql } from './database.ts';
import { enablingLock } from './instance-locks.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { addEvents, addToSubscribers } from './outbox.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

// Two nodes on one database; each test has an instance of its own in it.
let testDatabase: TestDatabase;
let database: Database;
let one: Store;
let other: Store;

beforeAll(async () => {
  testDatabase = await createMigratedDatabase();
  const { url } = testDatabase;
  one = await openPostgresStore({ sealer: testSealer, url });
  other = await openPostgresStore({ sealer: testSealer, url });
  database = new Database({ url, maxConnections: 2, preparedStatements: true });
});
afterAll(async () => {
  await Promise.all([one, other, database].map((open) => open.close()));
  await testDatabase.drop();
});

/** So many waiting messages to a new webhook, written as accepting and reporting would. */
async function aTarget(instanceId: string, count: number): Promise<MessageTarget> {
  const { id: target } = await createWebhook(one, aWebhook(instanceId));
  const ids = Array.from({ length: count }, () => v7());
  const values = [instanceId, target, ids, ids.map(uuidV7Day)];
  await database.transaction(async (sql) => {
    await sql.run(
      `INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, state, attempts)
       SELECT $1, day, id, $2, 'v1.UserNotificationOpen', id, 1, id, 'waiting', 0 FROM unnest($3::uuid[], $4::bigint[]) AS m (id, day)`,
      values,
    );
    await sql.run(
      `INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
       SELECT $1, $2, day, id, pharos_now(), 0 FROM unnest($3::uuid[], $4::bigint[]) AS m (id, day)`,
      values,
    );
  });
  return { instanceId, target };
}

test('a target whose part of a node is used up rests from that node alone; one that is ill, from all', async () => {
  const instanceId = await createInstance(one);
  const target = await aTarget(instanceId, 2);
  const hasTurn = async (store: Store) => (await store.listTurns(1_000)).some((turn) => turn.target === target.target);
  const rest = (restsFromAll: boolean) =>
    runOne(one.claimMessages, {
      ...{ limit: 10, leaseMs: 60_000 },
      targets: [{ ...target, room: 0, restMs: 60_000, restsFromAll }],
    });
  const rests = async (store: Store) => ((await store.restsUntil(target)) ?? 0) > Date.now();
  await rest(false);
  expect(await both(hasTurn)).toEqual([false, true]);
  expect(await both(rests)).toEqual([false, false]);
  await rest(true);
  expect(await both(hasTurn)).toEqual([false, false]);
  expect(await both(rests)).toEqual([true, true]);
  // There was room left for more than is due: it has nothing to wait for.
  const targets = [{ ...target, room: 3, restMs: 60_000 }];
  expect(await runOne(one.claimMessages, { limit: 10, leaseMs: 1, targets })).toHaveLength(2);
  await expect.poll(() => both(hasTurn), { interval: 5 }).toEqual([true, true]);
  expect(await both(rests)).toEqual([false, false]);
});

const both = <Value>(run: (store: Store) => Promise<Value>): Promise<[Value, Value]> =>
  Promise.all([run(one), run(other)]);

/** Both nodes claim until nothing is due; answers what each of their claims got. */
async function claimAll(
  targets: readonly MessageTarget[],
  options: { room: number; limit: number; batch?: { maxEvents: number; maxWaitMs: number } },
): Promise<readonly (readonly ClaimedMessage[])[]> {
  const claims: (readonly ClaimedMessage[])[] = [];
  const { room, limit, batch = null } = options;
  const rooms = targets.map((target) => ({ ...target, room, restMs: 60_000, batch }));
  for (let empty = 0; empty < 2;) {
    const got = await both((store) => runOne(store.claimMessages, { limit, leaseMs: 60_000, targets: rooms }));
    claims.push(...got.filter((claim) => claim.length > 0));
    empty = got.flat().length === 0 ? empty + 1 : 0;
  }
  return claims;
}

const completionOf = (message: ClaimedMessage, change: Partial<CompleteAttempt> = {}): CompleteAttempt => ({
  ...{ instanceId: message.instanceId, messageId: message.messageId, claimToken: message.claimToken },
  ...{ attempt: anAttempt(), next: { kind: 'delivered' } },
  ...change,
});

async function deadlocks(): Promise<number> {
  const statement = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
  return (await database.sql.get<{ deadlocks: number }>(statement))?.deadlocks ?? 0;
}

test('a message is claimed by one node, and completed once', async () => {
  const instanceId = await createInstance(one);
  const targets = await Promise.all([60, 50, 40].map((count) => aTarget(instanceId, count)));
  const claimed = (await claimAll(targets, { room: 7, limit: 20 })).flat();
  expect(claimed).toHaveLength(150);
  expect(new Set(claimed.map(({ messageId }) => messageId)).size).toBe(150);

  const completions = claimed.map((message) => completionOf(message));
  const results = await both((store) => store.completeAttempts(completions));
  const [byOne, byOther] = results.map((result) => result.map((item) => (item.ok ? item.value : String(item.error))));
  for (const index of completions.keys()) {
    expect(new Set([byOne?.[index], byOther?.[index]])).toEqual(new Set(['recorded', 'stale']));
  }
  const attempts = await database.sql.get<{ count: number; highest: number }>(
    'SELECT count(*) AS count, max(number) AS highest FROM attempts WHERE instance_id = $1',
    [instanceId],
  );
  expect(attempts).toEqual({ count: 150, highest: 1 });
});

test('a batch is claimed by one node, whole, also when its lease has ended', async () => {
  const instanceId = await createInstance(one);
  const target = await aTarget(instanceId, 90);
  const options = { room: 2, limit: 1_000, batch: { maxEvents: 5, maxWaitMs: 0 } };
  const membersOf = (claimed: readonly ClaimedMessage[]) =>
    [...Map.groupBy(claimed, ({ batchId }) => batchId)]
      .map(([batchId, messages]) => `${batchId}: ${messages.map(({ messageId }) => messageId).join()}`)
      .sort();
  const first = (await claimAll([target], options)).flat();
  expect(new Set(first.map(({ messageId }) => messageId)).size).toBe(90);
  expect(first).toHaveLength(90);

  await database.sql.run(
    // A claim gives all messages of a batch one time.
    'UPDATE message_queue SET due_at = due_at - 120000 WHERE instance_id = $1',
    [instanceId],
  );
  const again = (await claimAll([target], options)).flat();
  expect(again).toHaveLength(90);
  expect(membersOf(again)).toEqual(membersOf(first));
});

test('what attempts say about webhooks is summed up, and nobody waits for nobody', async () => {
  const instanceId = await createInstance(one);
  const targets = await Promise.all([0, 1, 2, 3].map(() => aTarget(instanceId, 50)));
  const claimed = (await claimAll(targets, { room: 100, limit: 1_000 })).flat();
  const before = await deadlocks();
  const failed = (message: ClaimedMessage) =>
    completionOf(message, { attempt: anAttempt({ status: 500 }), next: { kind: 'retry', retryInMs: 60_000 } });
  const halves = [claimed.filter((_, index) => index % 2 === 0), claimed.filter((_, index) => index % 2 === 1)];
  const work = [one, other].map(async (store, node) => {
    // The other way round on the other node.
    const mine = node === 0 ? (halves[0] ?? []) : (halves[1] ?? []).toReversed();
    for (let at = 0; at < mine.length; at += 10) {
      const results = await store.completeAttempts(mine.slice(at, at + 10).map(failed));
      for (const result of results) expect(result).toEqual({ ok: true, value: 'recorded' });
    }
  });
  await Promise.all(work);
  const rows = await database.sql.all<{ failures: number }>(
    'SELECT failures FROM webhook_health WHERE instance_id = $1',
    [instanceId],
  );
  expect(rows.map(({ failures }) => failures)).toEqual([50, 50, 50, 50]);
  expect(await deadlocks()).toBe(before);
});

test('FINISHED is due once STARTED was tried, however close they come', async () => {
  const instanceId = await createInstance(one);
  const urlTarget = 'url:https://app.example';
  for (let round = 0; round < 12; round += 1) {
    await register(one, instanceId, { interests: ['a'] });
    const publish = await accept(one, instanceId, toInterests('a'), { urlTarget });
    const range = await claimRange(one, publish);
    const { devices } = await one.readAudiencePage(range, range.cursor, 100);
    const deliveries = devices.map((device) => deliveryOf(device, { kind: 'accepted' }));
    const [started] = await claimMessages(one, instanceId);
    if (!started) throw new Error('STARTED is not due');
    await Promise.all([
      runOne(one.recordPages, { ...range, deliveries, next: null, leaseMs: 60_000 }),
      runOne(other.completeAttempts, completionOf(started)),
    ]);
    const [finished] = await claimMessages(one, instanceId);
    expect(finished).toMatchObject({ ...publish, eventType: 'publish.finished' });
  }
});

test('nothing is kept of what was answered about a user who is erased at the same time', async () => {
  const instanceId = await createInstance(one);
  await createWebhook(one, aWebhook(instanceId));
  for (let round = 0; round < 12; round += 1) {
    const user = `user ${round}`;
    const device = await register(one, instanceId, { user });
    const publish = await accept(one, instanceId, toUsers(user));
    await runOne(one.recordReports, aReport(publish, device));
    const [message] = await claimMessages(one, instanceId);
    if (!message) throw new Error('the message is not due');
    await Promise.all([
      runOne(one.eraseUsers, { instanceId, user }),
      runOne(other.completeAttempts, completionOf(message)),
    ]);
    const attempts = await one.listAttempts(message);
    expect(attempts).toMatchObject([{ status: 200, responseBody: null, responseHeaders: null, requestHash: null }]);
  }
});

test('what two people send again at the same time is due once', async () => {
  const instanceId = await createInstance(one);
  await createWebhook(one, aWebhook(instanceId));
  const device = await register(one, instanceId, { user: 'anna' });
  for (let count = 0; count < 10; count += 1) {
    const publish = await accept(one, instanceId, toUsers('anna'));
    await runOne(one.recordReports, aReport(publish, device));
  }
  const exhausted = (message: ClaimedMessage) => completionOf(message, { next: { kind: 'exhausted' } });
  const claimed = await claimMessages(one, instanceId);
  await one.completeAttempts(claimed.map(exhausted));
  const keys = claimed.map(({ messageId }) => ({ instanceId, messageId }));
  const results = await Promise.all([one.resendMessages(keys), other.resendMessages(keys.toReversed())]);
  for (const result of results.flat()) expect(result).toEqual({ ok: true, value: 'due' });
  expect(await claimMessages(one, instanceId)).toHaveLength(10);
  const views = await listMessages(one, { instanceId, limit: 100 });
  expect(views.map(({ state, attempts, earlierAttempts }) => [state, attempts, earlierAttempts])).toEqual(
    views.map(() => ['waiting', 1, 1]),
  );
});

test('a node that goes on after its lease changes nothing of what the other one has', async () => {
  const instanceId = await createInstance(one);
  const target = await aTarget(instanceId, 1);
  const claim = (store: Store, leaseMs: number) =>
    runOne(store.claimMessages, { limit: 1, leaseMs, targets: [{ ...target, room: 1, restMs: 0 }] });
  const [late] = await claim(one, 0);
  const [now] = await expect
    .poll(() => claim(other, 60_000))
    .toHaveLength(1)
    .then(() => listMessages(one, { instanceId, limit: 1 }));
  if (!late || !now) throw new Error('the message is not due');
  expect(now).toMatchObject({ messageId: late.messageId, claimed: true });
  expect(await runOne(one.completeAttempts, completionOf(late))).toBe('stale');
  expect(await one.listAttempts(late)).toEqual([]);
  expect(await claim(one, 60_000)).toEqual([]);
});

test('replays of one instance are stepped by both nodes, and each message is sent again once', async () => {
  const instanceId = await createInstance(one);
  const targets = await Promise.all([30, 30].map((count) => aTarget(instanceId, count)));
  // Their publish exists, so that they can be rendered.
  const publish = await accept(one, instanceId, toInterests('nobody'));
  await database.sql.run('UPDATE messages SET publish_id = $2 WHERE instance_id = $1', [instanceId, publish.publishId]);
  const claimed = (await claimAll(targets, { room: 100, limit: 1_000 })).flat();
  await one.completeAttempts(claimed.map((message) => completionOf(message, { next: { kind: 'exhausted' } })));
  const replays = targets.map(({ target }) => ({
    ...{ instanceId, target, replayId: v7(), states: ['exhausted'] as const },
    ...{ eventType: null, since: null, maxPerSecond: null },
  }));
  await one.createReplays(replays);
  await both(async (store) => {
    for (;;) {
      const step = await runOne(store.stepReplays, { maxRows: 7, maxDue: 1_000 });
      if (step.kind === 'idle' && (await one.nextDue()).replays === null) return;
    }
  });
  for (const replay of replays) {
    expect(await one.findReplay(replay)).toMatchObject({ state: 'done', total: 30, resent: 30, skipped: 0 });
  }
  expect(await claimMessages(other, instanceId)).toHaveLength(60);
});

test('what is held just before its webhook is enabled is there by then, and nothing is held after it', async () => {
  const instanceId = await createInstance(one);
  const publish = await accept(one, instanceId, toUsers('anna'));
  const type = 'v1.PublishToUsersAttempt';
  const webhook = await createWebhook(one, aWebhook(instanceId, { events: [type], disabledAt: 1 }));
  const { createdAt: _, format: __, ...same } = { ...webhook, expected: webhook.secret };
  /** Begins something beside a transaction that stays open until the other one waits for it. */
  const beside = async (write: (sql: Sql) => Promise<unknown>, begin: () => Promise<unknown>): Promise<void> => {
    const { promise: isOver, resolve } = Promise.withResolvers<unknown>();
    await database.transaction(async (sql) => {
      await write(sql);
      resolve(begin());
      const waiting = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'`;
      await expect.poll(() => database.sql.all(waiting), { timeout: 15_000 }).not.toEqual([]);
    });
    await isOver;
  };
  const states = async () => (await listMessages(one, { instanceId, limit: 9 })).map(({ state }) => state);

  const hold = async (sql: Sql) => {
    const [event] = await addEvents(sql, [publish], type);
    if (event) await addToSubscribers(sql, [{ ...event, type }]);
  };
  await beside(hold, () => runOne(other.updateWebhooks, { ...same, disabledAt: null }));
  expect(await states()).toEqual(['held']);

  await runOne(other.updateWebhooks, same);
  const enable = async (sql: Sql) => {
    await enablingLock.takeAlone(sql, instanceId);
    await sql.run('UPDATE webhooks SET disabled_at = NULL WHERE id = $1', [webhook.id]);
  };
  await beside(enable, () => accept(one, instanceId, toUsers('anna')));
  expect(await states()).toEqual(['waiting', 'held']);
});

test('FINISHED that is being delivered is not queued again by a later attempt of STARTED', async () => {
  const instanceId = await createInstance(one);
  const urlTarget = 'url:https://app.example';
  // It reaches nobody: STARTED and FINISHED are there at once.
  await accept(one, instanceId, toInterests('a'), { urlTarget });
  const [started] = await claimMessages(one, instanceId);
  if (!started) throw new Error('STARTED is due');
  const retry = { kind: 'retry', retryInMs: 0 } as const;
  await runOne(one.completeAttempts, { ...started, attempt: anAttempt({ status: 500 }), next: retry });
  const claimed = await claimMessages(one, instanceId);
  const of = (type: string) => claimed.find(({ eventType }) => eventType === type) as ClaimedMessage;
  const finished = of('publish.finished');
  // The first node is in the middle of recording that FINISHED was delivered …
  const { promise: isWritten, resolve: written } = Promise.withResolvers<void>();
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>();
  const delivering = database.transaction(async (sql) => {
    await sql.run(`UPDATE messages SET state = 'delivered' WHERE id = $1`, [finished.messageId]);
    await sql.run('DELETE FROM message_queue WHERE message_id = $1', [finished.messageId]);
    written();
    await mayCommit;
  });
  await isWritten;
  // … when the other one records the next attempt of STARTED.
  const again = { ...of('publish.started'), attempt: anAttempt({ status: 500 }), next: retry };
  const recorded = runOne(other.completeAttempts, again);
  await expect
    .poll(() => database.sql.all(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`), {
      timeout: 15_000,
    })
    .not.toEqual([]);
  commit();
  await Promise.all([delivering, recorded]);
  expect(await database.sql.all('SELECT FROM message_queue WHERE message_id = $1', [finished.messageId])).toEqual([]);
});

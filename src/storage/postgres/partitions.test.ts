import { v7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/postgres.ts';
import { runOne, StoreUnavailable } from '../../core/ports/command.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { accept, anInstance, claimMessages, createInstance, toInterests } from '../testsuite/fixtures.ts';
import { analyzeNewTables } from './analyze-new-tables.ts';
import { Database } from './database.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { createPartitions, createPartitionsAhead, listPartitions, nameOfPartition } from './partitions.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs);

async function open() {
  const testDatabase = await createTestDatabase();
  const { url } = testDatabase;
  const store = await openPostgresStore({ sealer: testSealer, url });
  const database = new Database({ url, maxConnections: 4, preparedStatements: true });
  onTestFinished(async () => {
    await Promise.all([store.close(), database.close()]);
    await testDatabase.drop();
  });
  /** An event and a message of a day, and an attempt; answers the message's id. */
  const write = async (instanceId: string, day: number, change: { state?: string; eventType?: string } = {}) => {
    const { state = 'delivered', eventType = 'v1.UserNotificationOpen' } = change;
    const id = v7({ msecs: day * dayMs + 1_000 });
    const key = [instanceId, uuidV7Day(id), id];
    await database.transaction(async (sql) => {
      await sql.run(
        `INSERT INTO events (instance_id, day, id, type, happened_at, feed_position)
         VALUES ($1, $2, $3, 'v1.WebhookDisabled', 1, pharos_feed_position())`,
        key,
      );
      await sql.run(
        `INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, state, attempts)
         VALUES ($1, $2, $3, 'url:x', $4, $3, 1, $5, 1)`,
        [...key, eventType, state],
      );
      await sql.run(
        `INSERT INTO attempts (instance_id, day, message_id, number, started_at, duration_ms) VALUES ($1, $2, $3, 1, 1, 1)`,
        key,
      );
    });
    return { instanceId, messageId: id };
  };
  const daysOf = async () => [...new Set((await listPartitions(database.sql)).map(({ day }) => day - today))];
  const drop = async (before: number) => {
    let dropped = 0;
    while ((await runOne(store.dropExpiredDays, { before })).more) dropped += 1;
    return dropped;
  };
  return { store, database, write, daysOf, drop };
}

test('there are partitions for the days to come; odd days have one of their own', async () => {
  const { store, database, write, daysOf } = await open();
  expect(await daysOf()).toEqual([0, 1]);
  const instanceId = await createInstance(store);
  const [odd, now] = [await write(instanceId, today + 3), await write(instanceId, today)];
  await Promise.all([createPartitionsAhead(database, 'upkeep'), createPartitionsAhead(database, 'upkeep')]);
  // Three of the tables have rows of the odd day already.
  expect(await daysOf()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  const tables = (await listPartitions(database.sql)).filter(({ day }) => day === today + 3);
  expect(tables.map(({ table }) => table)).toEqual(['reports']);
  const where = async (id: string) =>
    (await database.sql.get<{ name: string }>('SELECT tableoid::regclass AS name FROM messages WHERE id = $1', [id]))
      ?.name;
  expect(await where(odd.messageId)).toBe('messages_default');
  expect(await where(now.messageId)).toBe(nameOfPartition('messages', today));
  expect(await store.findMessage(odd)).toMatchObject({ state: 'delivered' });
});

test('days that are over go at once, of all instances, but for those in which something waits', async () => {
  const { store, database, write, daysOf, drop } = await open();
  const old = [40, 35, 34, 33, 30];
  for (const age of old) await database.transaction((sql) => createPartitions(sql, today - age, today - age));
  const [instanceId, other] = [await createInstance(store), await createInstance(store)];
  const messages = new Map<number, { instanceId: string; messageId: string }>();
  for (const age of old) {
    await write(other, today - age);
    const state = age === 35 || age === 33 ? 'waiting' : 'exhausted';
    messages.set(age, await write(instanceId, today - age, { state }));
  }
  const waiting = messages.get(35)?.messageId ?? '';
  await database.sql.run(
    `INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries) VALUES ($1, 'url:x', $2, $3, 0, 0)`,
    [instanceId, uuidV7Day(waiting), waiting],
  );
  const before = (today - 30) * dayMs + dayMs / 2;
  // Of 35 a message waits. It may be STARTED of a publish, for which FINISHED of a later day waits without a row in the queue.
  expect(await drop(before)).toBe(4 + 2 + 2 + 2);
  const left = (await listPartitions(database.sql)).map(({ table, day }) => `${table} ${today - day}`);
  const kept = [35, 34, 33].flatMap((age) => [`attempts ${age}`, `messages ${age}`]);
  expect(left.filter((name) => !/ -?[01]$/.test(name))).toEqual([
    ...kept,
    ...['attempts', 'messages', 'events', 'reports'].map((table) => `${table} 30`),
  ]);

  const found = async () => {
    const views = await Promise.all(
      [...messages].map(async ([age, key]) => [age, await store.findMessage(key)] as const),
    );
    return views.filter(([, view]) => view !== null).map(([age]) => age);
  };
  expect(await found()).toEqual([35, 34, 33, 30]);
  // The rest goes row by row: what waits stays.
  for (const id of [instanceId, other]) await runOne(store.deleteExpired, { instanceId: id, before, maxRows: 1_000 });
  expect(await found()).toEqual([35, 33, 30]);
  const [message] = await claimMessages(store, instanceId);
  if (!message) throw new Error('the message is not due');
  await runOne(store.completeAttempts, { ...message, attempt: null, next: { kind: 'exhausted' } });
  expect(await drop(before)).toBe(6);
  expect(await found()).toEqual([30]);
  expect(await daysOf()).toEqual([-30, 0, 1]);
});

test('readers of the feed are told what they have missed', async () => {
  const { store, database, write, drop } = await open();
  const instance = anInstance({ feed: true });
  await runOne(store.createInstances, instance);
  const start = await store.readFeed({ instanceId: instance.id, start: { kind: 'now' }, limit: 10 });
  if (typeof start === 'string') throw new Error(start);
  await database.transaction((sql) => createPartitions(sql, today - 40, today - 40));
  await write(instance.id, today - 40);
  expect(await drop((today - 30) * dayMs)).toBe(4);
  const page = await store.readFeed({
    ...{ instanceId: instance.id, limit: 10 },
    start: { kind: 'cursor', cursor: start.cursor },
  });
  expect(page).toMatchObject({ events: [], truncated: true });
});

test('a node starts while somebody holds what a new partition would need', async () => {
  const { database, daysOf } = await open();
  await database.transaction(async (sql) => {
    await sql.all('SELECT * FROM messages_default');
    await createPartitionsAhead(database, 'upkeep');
  });
  expect(await daysOf()).toEqual([0, 1]);
  await createPartitionsAhead(database, 'upkeep');
  expect(await daysOf()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('a partition that somebody reads is left for later, and nobody waits behind it for long', async () => {
  const { store, database, write, drop } = await open();
  await database.transaction((sql) => createPartitions(sql, today - 40, today - 40));
  const instanceId = await createInstance(store);
  const message = await write(instanceId, today - 40);
  const { promise: read, resolve: stopReading } = Promise.withResolvers<void>();
  const { promise: reading, resolve: started } = Promise.withResolvers<void>();
  const reader = database.transaction(async (sql) => {
    await sql.all(`SELECT * FROM ${nameOfPartition('attempts', today - 40)}`);
    started();
    await read;
  });
  await reading;
  const dropping = drop((today - 30) * dayMs).catch((error: unknown) => error);
  const publish = await accept(store, instanceId, toInterests('nobody'));
  expect(publish).toMatchObject({ instanceId });
  expect(await store.findMessage(message)).toMatchObject({ lastAttempt: { startedAt: 1 } });
  expect(await dropping).toBeInstanceOf(StoreUnavailable);
  stopReading();
  await reader;
  expect(await drop((today - 30) * dayMs)).toBe(4);
  expect(await store.findMessage(message)).toBeNull();
});

test('a table that was filled is looked at once, before autovacuum comes', async () => {
  const { store, database } = await open();
  // It would do the same by itself.
  await store.close();
  const { sql } = database;
  const [name, next] = [nameOfPartition('reports', today), nameOfPartition('reports', today + 1)];
  await sql.run(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`);
  await sql.run(
    `INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, happened_at, received_at)
     SELECT gen_random_uuid(), ${today}, gen_random_uuid(), n, 'open', '', 1, 1 FROM generate_series(1, 2000) AS n`,
  );
  const known = () =>
    sql.all<{ name: string; rows: number }>(
      'SELECT relname AS name, reltuples::int AS rows FROM pg_class WHERE relname = ANY($1) ORDER BY relname',
      [[name, next]],
    );
  expect(await known()).toEqual([
    { name, rows: -1 },
    { name: next, rows: -1 },
  ]);
  expect(await analyzeNewTables(database)).toEqual([name]);
  expect(await known()).toEqual([
    { name, rows: 2000 },
    { name: next, rows: -1 },
  ]);
  expect(await analyzeNewTables(database)).toEqual([]);
});

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { olderTransactionsEnd } from '../../../test/support/older-transactions.ts';
import type { TestDatabase } from '../../../test/support/postgres.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import type { FeedPage, FeedStart } from '../../core/ports/feed-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { accept, anInstance, aReport, register, toInterests } from '../testsuite/fixtures.ts';
import { Database } from './database.ts';
import { readFeed } from './feed.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

let database: TestDatabase;
let store: Store;
let reader: Database;
let other: pg.Client;

beforeAll(async () => {
  database = await createMigratedDatabase();
  store = await openPostgresStore({ sealer: testSealer, url: database.url });
  reader = new Database({ url: database.url, maxConnections: 1, preparedStatements: true });
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});

afterAll(async () => {
  await other.end();
  await reader.close();
  await store.close();
  await database.drop();
});

/** An instance with a feed, and what makes an event in it. */
async function aFeed() {
  const instance = anInstance({ feed: true });
  await runOne(store.createInstances, instance);
  const publish = await accept(store, instance.id, toInterests('a'));
  return {
    async report() {
      const device = await register(store, instance.id);
      await runOne(store.recordReports, aReport(publish, device, { kind: 'displayed' }));
      return device.deviceId;
    },
    async read(start: FeedStart = { kind: 'beginning' }, limit = 100): Promise<FeedPage> {
      await olderTransactionsEnd(database.url);
      const page = await store.readFeed({ instanceId: instance.id, start, limit });
      if (typeof page === 'string') throw new Error(page);
      return page;
    },
    instanceId: instance.id,
  };
}

const devicesIn = ({ events }: FeedPage) => events.map(({ device }) => device?.deviceId);

test('an event waits for older transactions, so that what they write comes before it', async () => {
  const feed = await aFeed();
  await other.query('BEGIN');
  await other.query(
    `INSERT INTO events (instance_id, day, id, type, happened_at, feed_position)
     VALUES ($1, 0, gen_random_uuid(), 'v1.PublishToUsersAttempt', pharos_now(), pharos_feed_position())`,
    [feed.instanceId],
  );
  const device = await feed.report();
  const looks: Parameters<typeof readFeed>[0] extends (work: never) => Promise<infer Reading> ? Reading[] : never = [];
  await readFeed(
    async (work) => {
      const reading = await reader.transaction(work, 'REPEATABLE READ READ ONLY');
      looks.push(reading);
      if (looks.length === 1) await other.query('COMMIT');
      return reading;
    },
    { instanceId: feed.instanceId, start: { kind: 'beginning' }, limit: 100 },
  );
  expect(looks[0]?.page).toMatchObject({ events: [] });
  expect(looks.length).toBeGreaterThan(1);
  expect(await feed.read()).toMatchObject({ events: [{ device: null }, { device: { deviceId: device } }] });
});

test('who goes on from a cursor misses nothing after the database has moved to a server whose ids begin anew', async () => {
  const feed = await aFeed();
  const before = [await feed.report(), await feed.report()];
  const { cursor } = await feed.read();
  // What the other server has: rows as they were, and transactions with ids far below those that wrote them.
  await other.query(
    `UPDATE feed_clock SET server_started_at = '2020-01-01', ahead = ahead - 1000000::bigint * 1000000`,
  );
  const page = await feed.read({ kind: 'cursor', cursor });
  expect(page).toEqual({ events: [], cursor, more: false, truncated: false });
  const now = await feed.read({ kind: 'now' });
  expect(devicesIn(await feed.read())).toEqual(before);
  const after = [await feed.report(), await feed.report()];
  expect(devicesIn(await feed.read({ kind: 'cursor', cursor }))).toEqual(after);
  expect(devicesIn(await feed.read({ kind: 'cursor', cursor: now.cursor }))).toEqual(after);
  expect(devicesIn(await feed.read())).toEqual([...before, ...after]);
  const first = await feed.read({ kind: 'beginning' }, 3);
  expect(devicesIn(await feed.read({ kind: 'cursor', cursor: first.cursor }))).toEqual(after.slice(1));
});

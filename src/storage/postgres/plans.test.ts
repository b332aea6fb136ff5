import { expect, onTestFinished, test } from 'vitest';
import { withClient } from '../../../test/support/postgres-client.ts';
import { createTestDatabase } from '../../../test/support/postgres.ts';
import type { Audience, PublishTarget } from '../../core/ports/publish-store.ts';
import type { StoreCommands } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { aDevice, anAttempt, aReport, deliveryOf } from '../testsuite/fixtures.ts';
import { createCommandHandlers } from './command-handlers.ts';
import type { Sql, SqlValue } from './database.ts';
import { Database } from './database.ts';
import type { CommandHandler } from './handlers.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { createQueryHandlers } from './query-handlers.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

/** Of whoever has claimed everything. */
const token = '00000000-0000-4000-8000-00000000000c';
const rows = 30_000;
/** So many at first: what is planned for a database that is nearly empty is kept while it grows. */
const firstRows = 100;
const now = Date.now();
/** Of ids: all are of the same day. */
const noon = (Math.floor(now / 86_400_000) + 0.5) * 86_400_000;

const prepare = `
  CREATE FUNCTION instance(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n % 20), 12, '0'))::uuid $$;
  CREATE FUNCTION v7(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
    AS $$ SELECT (lpad(to_hex(${noon} - n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid $$;
  CREATE FUNCTION day(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$ SELECT (${noon} - n) / 86400000 $$;
  CREATE TABLE n (n bigint);
  -- Nobody else looks at what is in the tables.
  DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t);
    END LOOP;
  END $$;
`;

/** The same in all tables: the n-th publish was to everybody, is half done, and has told a webhook of a report of the n-th device. */
const fill = (from: number, to: number): string => `
  SET synchronous_commit = off;
  TRUNCATE n;
  INSERT INTO n SELECT generate_series(${from}, ${to});
  INSERT INTO users (instance_id, name, last_used_day) SELECT instance(n), 'user-' || n, day(n) FROM n;
  INSERT INTO devices
      (instance_id, platform, id, address, address_hash, keys, metadata, created_at, registered_at, user_number)
    SELECT instance(n), 'web', v7(n), 'https://push.example/' || n, n, '', '{}', 1, 1, n FROM n;
  INSERT INTO device_counts (instance_id, living) SELECT instance(n), 1000 FROM n WHERE n <= 20;
  INSERT INTO device_interests (instance_id, interest, device_number) SELECT instance(n), 'of-' || n % 30, n FROM n;
  INSERT INTO device_tags (instance_id, device_number, key, value) SELECT instance(n), n, 'key-' || n % 30, n % 7 FROM n;
  INSERT INTO publishes (instance_id, id, accepted_at, target_kind, audience, platforms, body, url_target)
    SELECT instance(n), v7(n), ${now} - n, 'users', '{"kind":"users"}', '["web"]', '', 'url:x' FROM n;
  INSERT INTO publish_users (instance_id, publish_id, user_number, position, state)
    SELECT instance(n), v7(n), n, 0, 0 FROM n;
  INSERT INTO publish_outcomes (instance_id, publish_id, platform, family, outcome, count)
    SELECT instance(n), v7(n), 'web', '', 'accepted', 1 FROM n;
  INSERT INTO ranges (instance_id, publish_id, number, first_place, cursor_user, cursor_device, end_user, end_device,
      due_at, pages, claim_token)
    SELECT instance(n), v7(n), 1 + n % 50, n / 3, n / 2, n / 2, n, n, ${now} - n * 10 + 100000, 9, '${token}' FROM n;
  INSERT INTO deferred_deliveries (instance_id, publish_id, device_number, attempts, first_attempt_at, due_at,
      claim_token)
    SELECT instance(n), v7(n), n, 1, 1, ${now} - n * 10 + 100000, '${token}' FROM n;
  INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, happened_at, received_at)
    SELECT instance(n), day(n), v7(n), n, 'delivery', '', 1, 1 FROM n;
  INSERT INTO webhooks (instance_id, id, url, format, options, secret, custom_data, created_at)
    SELECT instance(n), instance(n), '', 'beams', '{}', '', '{}', 1 FROM n WHERE n <= 20;
  INSERT INTO webhook_subscriptions (instance_id, event_type, webhook_id)
    SELECT instance(n), 'v1.UserNotificationOpen', instance(n) FROM n WHERE n <= 20;
  INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, user_number,
      device_number, state, attempts)
    SELECT instance(n), day(n), v7(n), instance(n)::text, 'publish.started', v7(n), 1, v7(n), n, n,
      CASE WHEN n % 2 = 0 THEN 'waiting' ELSE 'delivered' END, 1
    FROM n;
  INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries, claim_token)
    SELECT instance_id, target, day, id, ${now}, 0, '${token}' FROM messages JOIN n ON n = device_number
    WHERE state = 'waiting';
  INSERT INTO attempts (instance_id, day, message_id, number, started_at, duration_ms)
    SELECT instance_id, day, id, 9, 1, 1 FROM messages JOIN n ON n = device_number;
`;

/** Tables of which nobody reads all rows. */
const largeTables = [
  ...['users', 'devices', 'device_interests', 'device_tags', 'publishes', 'publish_users', 'publish_outcomes'],
  ...['ranges', 'deferred_deliveries', 'reports', 'messages', 'message_queue', 'attempts'],
];

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}
type Explained = { readonly 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] } | undefined;

const flatten = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

/** Columns that an index is searched by: `((a = $1) AND (ROW(b, c) > ROW($2, $3)))` → a, b, c. */
const columnsOf = (condition = ''): readonly string[] => [
  ...new Set(
    [...condition.matchAll(/\((?:ROW\(([\w, ]+)\)|(\w+)) (?:=|<|>|<=|>=) /g)].flatMap(([, row, column]) =>
      row === undefined ? [column ?? ''] : row.split(', '),
    ),
  ),
];

/** As SQL writes it, of no type yet. */
function toLiteral(value: SqlValue): string {
  if (value === null) return 'NULL';
  const toText = (part: SqlValue): string => {
    if (part instanceof Uint8Array) return `\\x${Buffer.from(part).toString('hex')}`;
    if (Array.isArray(part))
      return `{${part.map((one: SqlValue) => (one === null ? 'NULL' : JSON.stringify(toText(one)))).join()}}`;
    return String(part);
  };
  return `'${toText(value).replaceAll("'", "''")}'`;
}

/**
 * Runs statements, and notes how each of them would find its rows in large tables: with these parameters, and with any, as
 * the database does after a statement was run a few times.
 */
function explaining(
  sql: Sql,
  parents: ReadonlyMap<string, string>,
): { readonly sql: Sql; readonly notes: Set<string> } {
  const notes = new Set<string>();
  const nameOf = (name: string): string => parents.get(name) ?? name;
  const note = (explained: Explained): void => {
    for (const node of explained ? flatten(explained['QUERY PLAN'][0].Plan) : []) {
      const table = nameOf(node['Relation Name'] ?? '');
      const index = node['Index Name'];
      if (!largeTables.includes(table)) continue;
      if (index) notes.add(`${nameOf(index)} (${columnsOf(node['Index Cond']).join(' ')})`);
      else if (node['Node Type'] === 'Seq Scan') notes.add(`all of ${table}`);
    }
  };
  const noteBoth = async (statement: string, values: readonly SqlValue[] = []): Promise<void> => {
    note(await sql.get<NonNullable<Explained>>(`EXPLAIN (FORMAT JSON) ${statement}`, values));
    const parameters = values.length === 0 ? '' : `(${values.map(toLiteral).join(', ')})`;
    await sql.script(`SET LOCAL plan_cache_mode = force_generic_plan; PREPARE any_values AS ${statement}`);
    note(await sql.get<NonNullable<Explained>>(`EXPLAIN (FORMAT JSON) EXECUTE any_values ${parameters}`));
    await sql.script('DEALLOCATE any_values; SET LOCAL plan_cache_mode = auto');
  };
  return {
    notes,
    sql: {
      ...sql,
      get: async (statement, values) => (await noteBoth(statement, values), sql.get(statement, values)),
      all: async (statement, values) => (await noteBoth(statement, values), sql.all(statement, values)),
      run: async (statement, values) => (await noteBoth(statement, values), sql.run(statement, values)),
    },
  };
}

/** Partitions and their indexes, by the name of what they are a part of; those that are empty are nothing to search. */
async function readParents(sql: Sql): Promise<ReadonlyMap<string, string>> {
  const parts = await sql.all<{ part: string; parent: string }>(
    `SELECT inhrelid::regclass::text AS part, CASE
       WHEN c.relkind = 'r' AND pg_relation_size(c.oid) = 0 THEN 'empty' ELSE inhparent::regclass::text END AS parent
     FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid`,
  );
  return new Map(parts.map(({ part, parent }) => [part, parent]));
}

class RolledBack extends Error {}

test('the hot statements find their rows by the index that was chosen for them, whatever is known of the tables', async () => {
  const testDatabase = await createTestDatabase();
  const { url } = testDatabase;
  onTestFinished(() => testDatabase.drop());
  await (await openPostgresStore({ sealer: testSealer, url })).close();
  const database = new Database({ url, maxConnections: 1, preparedStatements: false });
  onTestFinished(() => database.close());
  // Without the limits of hot statements.
  const run = (...statements: readonly string[]) =>
    withClient(url, async (client) => {
      for (const statement of statements) await client.query(statement);
    });

  await run(prepare, fill(1, firstRows));
  const ofNearlyEmpty = await readPlans(database);
  await run(fill(firstRows + 1, rows));
  const ofUnknown = await readPlans(database);
  await run('VACUUM ANALYZE');
  const plans = await readPlans(database);

  expect(plans.filter((plan) => plan.includes('all of'))).toEqual([]);
  await expect(`${plans.join('\n')}\n`).toMatchFileSnapshot('plans.txt');
  expect(otherWays(ofUnknown, plans)).toEqual([]);
  // An UPDATE cannot be told to go row by row: this is why upkeep looks at new partitions soon.
  expect(otherWays(ofNearlyEmpty, plans)).toEqual([
    'dropMessages: messages_pkey (instance_id)',
    'completeAttempts: messages_pkey (day)',
  ]);
});

/** Ways to rows that some plans have and others do not. */
const otherWays = (plans: readonly string[], others: readonly string[]): readonly string[] =>
  plans.flatMap((plan, index) => {
    const [what, ways = ''] = plan.split(': ');
    const known = others[index]?.split(': ')[1]?.split(', ') ?? [];
    return ways
      .split(', ')
      .filter((way) => !known.includes(way))
      .map((way) => `${what}: ${way}`);
  });

/** A line for each command and query. */
async function readPlans(database: Database): Promise<readonly string[]> {
  const parents = await readParents(database.sql);
  const plans: string[] = [];
  /** What was written is undone: every one of them meets the same tables. */
  const explain = async (what: string, work: (sql: Sql) => Promise<unknown>): Promise<void> => {
    const transaction = database.transaction(async (sql) => {
      const recording = explaining(sql, parents);
      await work(recording.sql);
      plans.push(`${what}: ${[...recording.notes].sort().join(', ')}`);
      throw new RolledBack();
    });
    await transaction.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error;
    });
  };
  const commands = createCommandHandlers(token, testSealer);
  const queries = createQueryHandlers(token);
  const command = <Name extends keyof StoreCommands>(name: Name, items: readonly ItemOf<Name>[], what = '') =>
    explain(`${name}${what}`, async (sql) => {
      const handler = commands[name] as CommandHandler<ItemOf<Name>, unknown>;
      if (handler.kind === 'batch') await handler.run(sql, items);
      else for (const item of items) await handler.run(sql, item);
    });

  const [device, publish] = await findSome(database.sql);
  const { instance_id: instanceId, number: deviceNumber } = device;
  const publishId = publish.id;
  const deviceKey = { instanceId, platform: 'web', deviceId: device.id } as const;
  const found = {
    ...aDevice(instanceId),
    deviceNumber,
    userNumber: deviceNumber,
    bundleIdentifier: null,
    registeredAt: 1,
    tracksDelivery: true,
  };
  const deliveries = (['accepted', 'gone'] as const).map((kind) =>
    deliveryOf({ ...found, address: device.address }, { kind }),
  );
  const lease = { claimToken: token, leaseMs: 1_000 };

  await command('registerDevices', [aDevice(instanceId), { ...aDevice(instanceId), address: device.address }]);
  await command('replaceInterests', [{ ...deviceKey, interests: ['of-1', 'of-2'] }]);
  for (const target of targets) {
    const accepted = {
      instanceId,
      publishId: uuidV7(),
      target,
      platforms: ['web'],
      body: { content: {} },
    } as const;
    await command('acceptPublishes', [{ ...accepted, urlTarget: 'url:x' }], ` to ${target.kind}`);
  }
  await command('claimRanges', [{ limit: 8, leaseMs: 1_000 }]);
  const range = { instanceId, publishId, rangeNumber: 1, cursor: { user: publish.place, device: publish.place } };
  const next = { user: publish.place, device: publish.place + 1 };
  await command('recordPages', [{ ...range, ...lease, deliveries, next }]);
  await command('recordPages', [{ ...range, ...lease, deliveries, next: null }], ', the last one');
  await command('recordPages', [{ ...range, ...lease, deliveries, next, leaseMs: 0 }], ', given back');
  await command('claimDeliveries', [{ limit: 8, leaseMs: 1_000 }]);
  await command(
    'completeDeliveries',
    deliveries.map((delivery) => ({ instanceId, publishId, ...lease, delivery })),
  );
  await command('cancelPublishes', [{ instanceId, publishId }]);
  await command('dropMessages', [{ instanceId, id: token, limit: 8, after: null }]);
  await command('recordReports', [aReport({ instanceId, publishId }, deviceKey, { kind: 'open' })]);
  await command('claimMessages', [
    { limit: 8, leaseMs: 1_000, targets: [{ instanceId, target: instanceId, room: 8, restMs: 0 }] },
  ]);
  const message = { instanceId, messageId: publishId, claimToken: token, attempt: anAttempt() };
  await command('completeAttempts', [{ ...message, next: { kind: 'delivered' } }]);
  await command('completeAttempts', [{ ...message, next: { kind: 'retry', retryInMs: 1 } }], ', retried');
  for (const audience of audiences) {
    const read = { instanceId, publishId, audience, platforms: ['web'], end: { user: rows, device: rows } } as const;
    await explain(`readAudiencePage of ${audience.kind}`, (sql) =>
      queries.readAudiencePage(sql, { ...read, rangeNumber: 1, claimToken: '', cursor: start }, start, 100),
    );
  }
  await explain('listTurns', (sql) => queries.listTurns(sql, 100));
  await explain('nextDue', (sql) => queries.nextDue(sql));
  return plans;
}

type ItemOf<Name extends keyof StoreCommands> = Parameters<StoreCommands[Name]>[0][number];

const start = { user: 0, device: 0 };
const named = { deviceNumbers: [1, 2, 3], aliasNumbers: [4, 5] };
const filter = [[{ key: 'key-1', relation: '=', value: '3' }], [{ key: 'key-2', relation: 'exists' }]] as const;
const targets: readonly PublishTarget[] = [
  { kind: 'interests', interests: ['of-1', 'of-2'] },
  { kind: 'users', users: ['user-1', 'user-21', 'new'] },
  { kind: 'everyone' },
  { kind: 'devices', deviceIds: [token], aliases: ['user-1'] },
];
const audiences: readonly Audience[] = [
  { kind: 'interests', interests: ['of-1', 'of-2'] },
  { kind: 'users' },
  { kind: 'everyone' },
  { kind: 'devices', ...named },
  { kind: 'tags', filter },
];

interface DeviceRow {
  instance_id: string;
  number: number;
  id: string;
  address: string;
}

/** A device, and a publish of its instance that has been claimed. */
async function findSome(sql: Sql): Promise<readonly [DeviceRow, { id: string; place: number }]> {
  const device = await sql.get<DeviceRow>('SELECT instance_id, number, id, address FROM devices WHERE number = 100');
  const publish = await sql.get<{ id: string; place: number }>(
    'SELECT publish_id AS id, cursor_device AS place FROM ranges WHERE instance_id = instance(100) AND end_device = 100',
  );
  if (!device || !publish) throw new Error('the tables are not filled');
  return [device, publish];
}

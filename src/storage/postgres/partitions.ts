import { dayOf } from '../rows/day.ts';
import { databaseLocks } from './advisory-locks.ts';
import type { Database, Sql } from './database.ts';
import { isConflict, isLockTimeout } from './unavailable.ts';

/** Tables that are divided by day, in the order in which they are locked. */
export const dividedTables = ['attempts', 'messages', 'events', 'reports'] as const;
export type DividedTable = (typeof dividedTables)[number];

export interface Partition {
  readonly table: DividedTable;
  readonly day: number;
  readonly name: string;
}

const dayMs = 86_400_000;
/** Others wait behind whoever waits for a lock. */
const lockTimeoutMs = 1_000;
/** Made when a store opens, and by its upkeep: so long it may go without. */
const daysAhead = { open: 1, upkeep: 7 };

export const nameOfPartition = (table: DividedTable, day: number): string =>
  `${table}_${new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '_')}`;

/** One transaction at a time makes or drops partitions. */
export const lockPartitions = (sql: Sql): Promise<number> =>
  sql.run('SELECT pg_advisory_xact_lock($1)', [databaseLocks.partitions]);

/** Oldest day first; without those that take odd days. */
export async function listPartitions(sql: Sql): Promise<readonly Partition[]> {
  const rows = await sql.all<{ name: string; parent: DividedTable }>(
    `SELECT c.relname AS name, p.relname AS parent
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
     WHERE p.oid = ANY($1::text[]::regclass[])`,
    [dividedTables],
  );
  const partitions = rows.flatMap(({ name, parent: table }) => {
    const date = /_(\d{4})_(\d\d)_(\d\d)$/.exec(name);
    return date ? { table, name, day: dayOf(Date.parse(date.slice(1).join('-'))) } : [];
  });
  const rank = ({ day, table }: Partition) => day * dividedTables.length + dividedTables.indexOf(table);
  return partitions.sort((one, other) => rank(one) - rank(other));
}

/**
 * Makes what is missing for these days (both inclusive). Whoever reads or writes meanwhile goes on: a table of its own is
 * made, then attached. A day that has rows in the default partition stays there.
 */
export async function createPartitions(sql: Sql, fromDay: number, toDay: number): Promise<void> {
  await lockPartitions(sql);
  const existing = new Set((await listPartitions(sql)).map(({ name }) => name));
  for (let day = fromDay; day <= toDay; day += 1) {
    for (const table of dividedTables) {
      const name = nameOfPartition(table, day);
      if (existing.has(name) || (await sql.get(`SELECT 1 FROM ${table}_default WHERE day = $1 LIMIT 1`, [day])))
        continue;
      await sql.script(
        `CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS);
         ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${day}) TO (${day + 1})`,
      );
    }
  }
}

/**
 * Makes the partitions of today, by the database's clock, and of some days more. Where somebody is in the way for long, a dump
 * for instance, it is left to the next time: rows of a day without a partition have a place too.
 */
export async function createPartitionsAhead(database: Database, ahead: keyof typeof daysAhead): Promise<void> {
  const create = async (sql: Sql): Promise<void> => {
    await sql.script(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
    const { now } = (await sql.get<{ now: number }>('SELECT pharos_now() AS now')) ?? { now: Date.now() };
    await createPartitions(sql, dayOf(now), dayOf(now) + daysAhead[ahead]);
  };
  try {
    await database.transaction(create);
  } catch (error) {
    if (!isLockTimeout(error) && !isConflict(error)) throw error;
  }
}

import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import type { Sql } from '../postgres/database.ts';
import { Database } from '../postgres/database.ts';
import { migrate } from '../postgres/migrate.ts';
import { createPartitions, dividedTables } from '../postgres/partitions.ts';
import { isUnavailable } from '../postgres/unavailable.ts';
import { dayOf } from '../rows/day.ts';
import { openForWriting } from '../sqlite/open-database.ts';
import type { CopiedTable } from './copied-tables.ts';
import { copiedTables } from './copied-tables.ts';
import { digestTable } from './digest-table.ts';
import type { Key, Row, TableShape } from './row-reader.ts';
import { readFromPostgres, readFromSqlite, readShape } from './row-reader.ts';

export interface CopyOptions {
  /** An SQLite database that no server uses. It is brought to the newest schema; otherwise it stays as it is. */
  readonly from: string;
  /** `postgres://…`: a database without a schema of Pharos, or without rows. */
  readonly to: string;
  /** Called after each transaction, and when a table was compared. */
  readonly onProgress: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  readonly table: string;
  readonly step: 'copied' | 'compared';
  /** Of the table, so far. */
  readonly rows: number;
}

const rowsAtATime = 1_000;
/** The last step of a table also looks at what is in it, for the planner. */
const stepTimeoutMs = 10 * 60_000;
/** What is older has no partitions of its own. */
const daysBack = 400;

/**
 * Copies everything and compares it. What was killed goes on where it was, when it is called again with the same databases.
 * Rejects with an `OperatorProblem`. Answers how many rows there are.
 */
export async function copyDatabase({ from, to, onProgress }: CopyOptions): Promise<{ readonly rows: number }> {
  const source = openForWriting(from);
  const database = new Database({ url: to, maxConnections: 1, preparedStatements: true });
  try {
    await migrate(database);
    const beganAt = await begin(database, fingerprintOf(source, from));
    await makePartitions(database, source);
    let rows = 0;
    for (const table of copiedTables) {
      const shape = await readShape(database.sql, table.name);
      await copyTable({ source, database, table, shape, beganAt, onProgress });
    }
    for (const table of copiedTables) {
      const shape = await readShape(database.sql, table.name);
      const copied = await compareTable({ source, database, table, shape, beganAt });
      onProgress({ table: table.name, step: 'compared', rows: copied });
      rows += copied;
    }
    await database.transaction((sql) => finish(sql, source));
    return { rows };
  } catch (cause) {
    if (!isUnavailable(cause)) throw cause;
    const mend = 'see that it runs, and that --to names it';
    throw new OperatorProblem(`the database does not answer (${(cause as Error).message}): ${mend}.`, { cause });
  } finally {
    source.close();
    await database.close();
  }
}

interface TableCopy {
  readonly source: DatabaseSync;
  readonly database: Database;
  readonly table: CopiedTable;
  readonly shape: TableShape;
  readonly beganAt: number;
}

/** Tells whether a server has written since. */
function fingerprintOf(source: DatabaseSync, file: string): string {
  source.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const { size, mtimeMs } = statSync(file);
  return `${size} bytes, ${mtimeMs}`;
}

/** Makes the target this copy's own, or finds that it is; answers when the copy began. */
async function begin(database: Database, source: string): Promise<number> {
  return database.transaction(async (sql) => {
    const begun = await sql.get<{ source: string; began_at: number }>(
      'SELECT source, began_at FROM copy_progress LIMIT 1',
    );
    if (begun && begun.source === source) return begun.began_at;
    if (begun) {
      throw new OperatorProblem(
        'the target has an unfinished copy of something else, or a server was started on the data folder since: drop the target database, create it again and begin anew',
      );
    }
    for (const { name } of copiedTables) {
      if (await sql.get(`SELECT 1 FROM ${name} LIMIT 1`)) {
        throw new OperatorProblem(`the target is not empty: it has ${name}. Copy into a database of its own.`);
      }
    }
    if (await sql.get('SELECT 1 FROM nodes WHERE seen_at > pharos_now() - 60000 LIMIT 1')) {
      throw new OperatorProblem('a node works on the target: stop it, and start it when the copy is done');
    }
    const now = Date.now();
    await sql.run(
      `INSERT INTO copy_progress (table_name, source, began_at, rows, is_done)
       SELECT name, $2, $3, 0, false FROM unnest($1::text[]) AS t (name)`,
      [copiedTables.map(({ name }) => name), source, now],
    );
    return now;
  });
}

async function makePartitions(database: Database, source: DatabaseSync): Promise<void> {
  const today = dayOf(Date.now());
  const days = new Set(
    dividedTables.flatMap((table) =>
      source
        .prepare(`SELECT DISTINCT day FROM ${table} WHERE day BETWEEN ? AND ?`)
        .all(today - daysBack, today)
        .map((row) => Number(row['day'])),
    ),
  );
  for (const day of days) await database.transaction((sql) => createPartitions(sql, day, day));
}

async function copyTable(copy: TableCopy & Pick<CopyOptions, 'onProgress'>): Promise<void> {
  const { source, database, table, shape, beganAt, onProgress } = copy;
  const reader = readFromSqlite(source, table, shape, beganAt);
  const progress = await database.sql.get<{ after: string | null; rows: number; is_done: boolean }>(
    'SELECT after, rows, is_done FROM copy_progress WHERE table_name = $1',
    [table.name],
  );
  if (!progress) throw new OperatorProblem('another copy into the target has just finished');
  let { after, rows: count, is_done: isDone } = progress;
  while (!isDone) {
    const rows = await reader.read(after === null ? null : (JSON.parse(after) as Key), rowsAtATime);
    const last = rows.at(-1);
    const reached = last ? JSON.stringify(reader.keyOf(last)) : after;
    isDone = rows.length < rowsAtATime;
    count += rows.length;
    const step = { table: table.name, before: after, after: reached, rows: count, isDone };
    await database.transaction((sql) => insertRows(sql, shape, rows, step), 'READ COMMITTED', stepTimeoutMs);
    after = reached;
    onProgress({ table: table.name, step: 'copied', rows: count });
  }
}

interface Step {
  readonly table: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly rows: number;
  readonly isDone: boolean;
}

async function insertRows(sql: Sql, shape: TableShape, rows: readonly Row[], step: Step): Promise<void> {
  const moved = await sql.run(
    `UPDATE copy_progress SET after = $3, rows = $4, is_done = $5
     WHERE table_name = $1 AND after IS NOT DISTINCT FROM $2 AND NOT is_done`,
    [step.table, step.before, step.after, step.rows, step.isDone],
  );
  if (moved !== 1) throw new OperatorProblem('another copy into the target is under way');
  if (rows.length > 0) {
    const names = shape.columns.map(({ name }) => `"${name}"`).join(', ');
    const arrays = shape.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
    await sql.run(
      `INSERT INTO ${step.table} (${names}) SELECT * FROM unnest(${arrays})`,
      shape.columns.map((_, index) => rows.map((row) => row[index] ?? null)),
    );
  }
  if (step.isDone) await sql.script(`ANALYZE ${step.table}`);
}

async function compareTable({ source, database, table, shape, beganAt }: TableCopy): Promise<number> {
  const there = await digestTable(readFromSqlite(source, table, shape, beganAt));
  const here = await digestTable(readFromPostgres(database.sql, table, shape));
  if (there.rows === here.rows && there.sha256 === here.sha256) return here.rows;
  throw new OperatorProblem(
    `${table.name} is not the same: ${there.rows} rows with checksum ${there.sha256} became ${here.rows} rows with checksum ${here.sha256}. Drop the target database, create it again and begin anew.`,
  );
}

/** Numbers and positions go on behind those that were ever given, and nodes may start. */
async function finish(sql: Sql, source: DatabaseSync): Promise<void> {
  for (const { name, seq } of source.prepare('SELECT name, seq FROM sqlite_sequence').all()) {
    await sql.run(`SELECT setval(pg_get_serial_sequence($1, 'number'), $2)`, [String(name), Number(seq)]);
  }
  const newest = source.prepare('SELECT max(position) AS position FROM feeds').get()?.['position'];
  await sql.run(
    `UPDATE feed_clock SET server_started_at = pg_postmaster_start_time(),
       ahead = greatest($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
         - pg_current_xact_id()::text::bigint`,
    [Number(newest ?? 0)],
  );
  await sql.run('DELETE FROM copy_progress');
}

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import { databaseLocks } from './advisory-locks.ts';
import type { Database, Sql } from './database.ts';
import { isConflict, isLockTimeout } from './unavailable.ts';

const ownFolder = new URL('../migrations/postgres/', import.meta.url);
const migrationTimeoutMs = 30 * 60_000;
const lockTimeoutMs = 2_000;

interface Migration {
  readonly number: number;
  readonly file: string;
  readonly statements: string;
  /** Nodes that know this migration, and no later one, go on working beside nodes that know all: a rolling upgrade. */
  readonly oldestCode: number;
}

/** `NNNN-name.sql` files, in order of their numbers; the first line of each is `-- oldest code: N`. */
function readMigrations(folder: URL): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const statements = readFileSync(new URL(file, folder), 'utf8');
      const oldestCode = Number(/^-- oldest code: (\d+)\n/.exec(statements)?.[1] ?? Number.NaN);
      if (!Number.isInteger(oldestCode)) throw new Error(`${file} does not begin with "-- oldest code: N"`);
      return { number: Number(file.slice(0, 4)), file, statements, oldestCode };
    });
}

/**
 * Brings the database to the newest schema, one transaction a migration and one node at a time. Throws an
 * `OperatorProblem` when a newer version has changed it so that this one cannot work with it any more, or it is not in UTF-8.
 */
export async function migrate(database: Database, folder = ownFolder): Promise<void> {
  const migrations = readMigrations(folder);
  const known = migrations.at(-1)?.number ?? 0;
  await assertHoldsAllTexts(database);
  await alone(database, (sql) =>
    sql.script(
      `CREATE TABLE IF NOT EXISTS migrations (
         number BIGINT PRIMARY KEY, file TEXT NOT NULL, oldest_code BIGINT NOT NULL, applied_at BIGINT NOT NULL)`,
    ),
  );
  for (const migration of migrations) {
    await alone(database, async (sql) => {
      await assertWorksWith(sql, known);
      if (await sql.get('SELECT 1 FROM migrations WHERE number >= $1 LIMIT 1', [migration.number])) return;
      await sql.script(migration.statements);
      await sql.run('INSERT INTO migrations (number, file, oldest_code, applied_at) VALUES ($1, $2, $3, $4)', [
        ...[migration.number, migration.file, migration.oldestCode, Date.now()],
      ]);
    });
  }
}

/**
 * Runs `work` while no other node does. Nodes of the version before go on meanwhile: whoever holds what a migration has to
 * lock for long makes it wait, and it does not make others wait behind it for longer than `lockTimeoutMs`.
 */
async function alone(database: Database, work: (sql: Sql) => Promise<void>): Promise<void> {
  const migrateOnce = async (sql: Sql): Promise<void> => {
    await sql.script(
      `SELECT pg_advisory_xact_lock(${databaseLocks.migrating}); SET LOCAL lock_timeout = ${lockTimeoutMs}`,
    );
    await work(sql);
  };
  const deadline = performance.now() + migrationTimeoutMs;
  for (;;) {
    try {
      return await database.transaction(migrateOnce, 'READ COMMITTED', migrationTimeoutMs);
    } catch (error) {
      if (!(isConflict(error) || isLockTimeout(error)) || performance.now() > deadline) throw error;
      await delay(Math.random() * 500);
    }
  }
}

/** What receivers answer, and what people are called, is not in Latin 1. */
async function assertHoldsAllTexts({ sql }: Database): Promise<void> {
  const { encoding } = (await sql.get<{ encoding: string }>(
    "SELECT current_setting('server_encoding') AS encoding",
  )) ?? { encoding: '' };
  if (encoding === 'UTF8') return;
  throw new OperatorProblem(
    `the database is in ${encoding}, which does not have all texts: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
  );
}

async function assertWorksWith(sql: Sql, known: number): Promise<void> {
  const newer = await sql.get<{ number: number }>('SELECT number FROM migrations WHERE oldest_code > $1 LIMIT 1', [
    known,
  ]);
  if (!newer) return;
  throw new OperatorProblem(
    `the database has migration ${newer.number}, which this version of Pharos (migrations up to ${known}) cannot work with: start the newer version again, or restore a backup from before the upgrade`,
  );
}

import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';

const folder = new URL('../migrations/sqlite/', import.meta.url);

/** `NNNN-name.sql` files, in order of their numbers. */
function listMigrations(): { readonly number: number; readonly file: string }[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({ number: Number(file.slice(0, 4)), file }));
}

/**
 * Brings the database to the newest schema, one transaction a migration.
 * Throws when the database was written by a newer version than this one.
 */
export function migrate(db: DatabaseSync): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, file TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  );
  const applied = assertKnownMigrations(db);
  for (const { number, file } of listMigrations()) {
    if (number <= applied) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(readFileSync(new URL(file, folder), 'utf8'));
      db.prepare('INSERT INTO migrations (number, file, applied_at) VALUES (?, ?, ?)').run(number, file, Date.now());
      db.exec('COMMIT');
    } catch (cause) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw new Error(`migration ${file} failed`, { cause });
    }
  }
}

/** The newest migration that the database has. Throws when it was written by a newer version than this one. */
export function assertKnownMigrations(db: DatabaseSync): number {
  const applied = Number(db.prepare('SELECT max(number) AS number FROM migrations').get()?.['number'] ?? 0);
  const known = listMigrations().at(-1)?.number ?? 0;
  if (applied > known) {
    throw new OperatorProblem(
      `the database has migration ${applied}, this version of Pharos knows migrations up to ${known}: start the newer version again, or restore a backup from before the upgrade`,
    );
  }
  return applied;
}

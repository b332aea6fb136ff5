import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from './migrate.ts';
import { openForWriting } from './open-database.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pharos-migrate-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return path.join(folder, 'pharos.db');
}

const schemaOf = (db: DatabaseSync) => db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();

test('migrating twice changes nothing', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const schema = schemaOf(db);
  const applied = db.prepare('SELECT * FROM migrations').all();
  migrate(db);
  expect(schemaOf(db)).toEqual(schema);
  expect(db.prepare('SELECT * FROM migrations').all()).toEqual(applied);
  expect(applied).not.toHaveLength(0);
});

test('all tables are strict', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  const loose = db.prepare(`SELECT name FROM pragma_table_list WHERE strict = 0 AND name NOT LIKE 'sqlite_%'`).all();
  expect(loose).toEqual([]);
});

test('a database of a newer version is refused with the way out, and left alone', async () => {
  const file = await temporaryFile();
  await (await openSqliteStore({ sealer: testSealer, file })).close();
  const db = new DatabaseSync(file);
  db.exec(`INSERT INTO migrations (number, file, applied_at) VALUES (9999, '9999-later.sql', 0)`);
  db.close();
  await expect(openSqliteStore({ sealer: testSealer, file })).rejects.toThrow(
    /has migration 9999.*knows migrations up to \d+.*start the newer version again, or restore a backup/,
  );
});

test('a migration that fails leaves nothing behind', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE publishes (already TEXT)');
  expect(() => migrate(db)).toThrow('migration 0001-tables.sql failed');
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).all();
  expect(tables.map((table) => table['name'])).toEqual(['migrations', 'publishes']);
});

test('the writing connection syncs every commit', async () => {
  const db = openForWriting(await temporaryFile());
  onTestFinished(() => db.close());
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
});

test('a file that is no database is refused', async () => {
  const folder = path.dirname(await temporaryFile());
  await expect(openSqliteStore({ sealer: testSealer, file: folder })).rejects.toThrow(/unable to open database file/);
});

import { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrate.ts';

/** Connection that writes; there is one. Creates and migrates the database. */
export function openForWriting(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  try {
    db.exec('PRAGMA journal_mode = WAL');
    // Some builds of SQLite report FULL by default and do not sync in WAL mode unless it is set after the switch.
    db.exec('PRAGMA synchronous = FULL');
    // What was erased is overwritten with zeros, where that costs no further write.
    db.exec('PRAGMA secure_delete = FAST');
    // 16 MB and no memory map: the operating system's cache serves the rest, and a failing disk is an error, not a signal.
    db.exec('PRAGMA cache_size = -16384');
    db.exec('PRAGMA temp_store = MEMORY');
    // Checkpoint about every 16 MB, and give a log that grew beyond 64 MB back to the disk.
    db.exec('PRAGMA wal_autocheckpoint = 4000');
    db.exec('PRAGMA journal_size_limit = 67108864');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Connection that reads beside the writer. The database exists already. */
export function openForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  db.exec('PRAGMA cache_size = -8192');
  db.exec('PRAGMA temp_store = MEMORY');
  return db;
}

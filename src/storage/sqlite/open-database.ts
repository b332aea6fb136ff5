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
    db.exec('PRAGMA temp_store = MEMORY');
    sizeLogAndCache(db);
    // Give a log that grew beyond its largest size back to the disk.
    db.exec('PRAGMA journal_size_limit = 67108864');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Of the log at a checkpoint: 16 and 64 MB in pages of 4 KB. */
const [fewestPages, mostPages] = [4_000, 16_000];

/** Of the page cache: 16 and 128 MB. */
const [leastKilobytes, mostKilobytes] = [16_384, 131_072];

/**
 * Lets log and page cache grow with the database, to an eighth of it each. Changes that fall on pages in no order, such as
 * those of the index of addresses, are the cheaper the more of them one checkpoint writes back; reports look for their devices
 * in no order. There is no memory map: a failing disk is an error, and not a signal.
 */
export function sizeLogAndCache(db: DatabaseSync): void {
  const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
  db.exec(`PRAGMA wal_autocheckpoint = ${Math.min(Math.max(fewestPages, Math.floor(pages / 8)), mostPages)}`);
  // Negative: kilobytes.
  db.exec(`PRAGMA cache_size = ${-Math.min(Math.max(leastKilobytes, Math.floor(pages / 2)), mostKilobytes)}`);
}

/** Connection that reads beside the writer. The database exists already. */
export function openForReading(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  db.exec('PRAGMA cache_size = -8192');
  db.exec('PRAGMA temp_store = MEMORY');
  return db;
}

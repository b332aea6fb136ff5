import { DatabaseSync } from 'node:sqlite';
import type { SealedValue } from '../../core/ports/sealed-store.ts';
import { assertKnownMigrations } from './migrate.ts';
import { prepareSealedQueries } from './sealed-values.ts';

/**
 * Reads the whole of a backup: that it is a sound database of Pharos, not newer than this version, and that every sealed
 * value opens. Throws with what is wrong. The file is not changed.
 */
export function checkBackup(file: string, open: (value: SealedValue) => void): void {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const [first] = db.prepare('PRAGMA quick_check(1)').all();
    if (first?.['quick_check'] !== 'ok') throw new Error(String(first?.['quick_check']));
    assertKnownMigrations(db);
    const { listSealed } = prepareSealedQueries(db);
    let cursor: string | null = null;
    do {
      const page: ReturnType<typeof listSealed> = listSealed({ notBeginningWith: noPrefix, cursor });
      for (const value of page.values) open(value);
      cursor = page.next;
    } while (cursor !== null);
  } finally {
    db.close();
  }
}

/** Nothing begins with it: sealed values begin with their version. */
const noPrefix = Uint8Array.of(0xff);

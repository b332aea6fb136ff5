import type { Store } from '../../src/core/ports/store.ts';
import { openPostgresStore } from '../../src/storage/postgres/open-postgres-store.ts';
import { openSqliteStore } from '../../src/storage/sqlite/open-sqlite-store.ts';
import { createMigratedDatabase } from './postgres.ts';
import { storage } from './storage.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

/** An empty store in the storage of this run; `file` is of SQLite. Closing it removes the database of PostgreSQL. */
export async function openTestStore(file = ':memory:'): Promise<Store> {
  if (storage === 'sqlite') return openSqliteStore({ sealer: testSealer, file });
  const database = await createMigratedDatabase();
  const store = await openPostgresStore({ sealer: testSealer, url: database.url });
  return {
    ...store,
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

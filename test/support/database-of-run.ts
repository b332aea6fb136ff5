import { createMigratedDatabase } from './postgres.ts';
import type { StorageName } from './storage.ts';
import { storage } from './storage.ts';

/** Where a `pharos serve` of this run keeps what it is told. */
export interface DatabaseOfRun {
  /** Null: SQLite, in the data folder. */
  readonly databaseUrl: string | null;
  /** `PHAROS_…` variables that say so. */
  readonly settings: Readonly<Record<string, string>>;
  /** Once no server uses it. */
  readonly drop: () => Promise<void>;
}

/** A new one, with the schema and nothing else; in the storage of the run, unless a test is about the other. */
export async function openDatabaseOfRun(storedIn: StorageName = storage): Promise<DatabaseOfRun> {
  if (storedIn === 'sqlite') return { databaseUrl: null, settings: {}, drop: async () => {} };
  const { url, drop } = await createMigratedDatabase();
  return { databaseUrl: url, settings: { PHAROS_DATABASE_URL: url }, drop };
}

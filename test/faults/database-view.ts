import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import pg from 'pg';
import type { PharosProcess } from '../support/pharos-process.ts';

/** What the server has committed, whichever database it has. Numbers that are sums may be texts. */
export interface DatabaseView {
  readonly all: (select: string) => Promise<readonly Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

export type ViewedProcess = Pick<PharosProcess, 'dataDir' | 'databaseUrl'>;

/** Sees what is committed as of each `all`; rejects while the database is away. */
export async function viewDatabase({ dataDir, databaseUrl }: ViewedProcess): Promise<DatabaseView> {
  if (databaseUrl === null) {
    const db = new DatabaseSync(join(dataDir, 'pharos.db'), { readOnly: true, timeout: 5_000 });
    return { all: async (select) => db.prepare(select).all(), close: async () => db.close() };
  }
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  pool.on('error', () => {});
  return {
    all: async (select) => (await pool.query(select)).rows as Record<string, unknown>[],
    close: () => pool.end(),
  };
}

import { databaseLocks } from './advisory-locks.ts';
import type { Database } from './database.ts';

/** Some hundreds of rows: with fewer any plan will do. */
const leastBytes = 64 * 1024;
const timeoutMs = 60_000;
/** Others wait behind whoever waits for a lock. */
const lockTimeoutMs = 1_000;

const listUnknown = `
  SELECT quote_ident(c.relname) AS name FROM pg_class c
  WHERE c.relkind = 'r' AND c.reltuples < 0 AND pg_relation_size(c.oid) >= ${leastBytes}
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'devices'::regclass)
  ORDER BY c.relname`;

/**
 * Looks at tables that have grown and that nobody has looked at yet, such as the partitions of a day that has just begun:
 * autovacuum comes once a minute, and does not come where it is switched off. Of several nodes one does it. Answers which.
 */
export const analyzeNewTables = (database: Database): Promise<readonly string[]> =>
  database.transaction(
    async (sql) => {
      const lock = await sql.get<{ taken: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS taken', [
        databaseLocks.analyzing,
      ]);
      if (!lock?.taken) return [];
      const tables = (await sql.all<{ name: string }>(listUnknown)).map(({ name }) => name);
      if (tables.length > 0)
        await sql.script(`SET LOCAL lock_timeout = ${lockTimeoutMs}; ANALYZE ${tables.join(', ')}`);
      return tables;
    },
    'READ COMMITTED',
    timeoutMs,
  );

import type { Sql } from './database.ts';

/** Distinguishes these locks from others that are named by an instance. */
const seed = 1;

/**
 * Whoever erases a user takes this first: then nobody on another node, who has seen the name, is still about to write what
 * erasing would have removed.
 */
export const lockForErasing = (sql: Sql, instanceId: string): Promise<number> =>
  sql.run('SELECT pg_advisory_xact_lock(hashtextextended($1, $2))', [instanceId, seed]);

/** Nobody erases a user of these instances until the transaction has ended. Taken before any row is locked. */
export const lockAgainstErasing = (sql: Sql, instanceIds: readonly string[]): Promise<number> =>
  sql.run('SELECT pg_advisory_xact_lock_shared(hashtextextended(id, $2)) FROM unnest($1::text[]) AS i (id)', [
    [...new Set(instanceIds)].sort(),
    seed,
  ]);

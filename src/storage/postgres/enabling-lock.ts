import type { Sql } from './database.ts';

/** Distinguishes these locks from others that are named by an instance. */
const seed = 2;

/**
 * Whoever enables a webhook takes this first: then nobody who saw it disabled is still about to write a message that is held,
 * and a catch-up that follows finds them all.
 */
export const lockForEnabling = (sql: Sql, instanceId: string): Promise<number> =>
  sql.run('SELECT pg_advisory_xact_lock(hashtextextended($1, $2))', [instanceId, seed]);

/** Nobody enables a webhook of these instances until the transaction has ended. */
export const lockAgainstEnabling = (sql: Sql, instanceIds: readonly string[]): Promise<number> =>
  sql.run('SELECT pg_advisory_xact_lock_shared(hashtextextended(id, $2)) FROM unnest($1::text[]) AS i (id)', [
    [...new Set(instanceIds)].sort(),
    seed,
  ]);

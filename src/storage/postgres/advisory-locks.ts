import type { Sql } from './database.ts';

// Nodes of the version before take these locks too: what was released keeps its number.

/** Of locks on texts: a text is hashed with the seed of what it is locked for. */
export const lockSeeds = { erasing: 1, idempotencyKeys: 2, clicks: 3, enabling: 4 } as const;
export type TextLock = keyof typeof lockSeeds;

/** Of locks that are one for the whole database. */
export const databaseLocks = { migrating: 7_216_041_893, partitions: 7_216_041_894, analyzing: 7_216_041_895 } as const;

// In the order of the hashes: two who take several of the same do not wait for each other.
const lockAll = `
  SELECT pg_advisory_xact_lock(hash)
  FROM (SELECT DISTINCT hashtextextended(k, $2) AS hash FROM unnest($1::text[]) AS k ORDER BY hash) AS hashes`;

/** Locks these texts, alone, until the transaction ends. */
export const lockTexts = (sql: Sql, kind: TextLock, texts: readonly string[]): Promise<number> =>
  sql.run(lockAll, [texts, lockSeeds[kind]]);

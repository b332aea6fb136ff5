import type { TextLock } from './advisory-locks.ts';
import { lockSeeds, lockTexts } from './advisory-locks.ts';
import type { Sql } from './database.ts';

/** A lock on an instance until the transaction ends: some take it alone, and the many who must not meet them share it. */
export interface InstanceLock {
  takeAlone(sql: Sql, instanceId: string): Promise<number>;
  share(sql: Sql, instanceIds: readonly string[]): Promise<number>;
}

const instanceLock = (kind: TextLock): InstanceLock => ({
  takeAlone: (sql, instanceId) => lockTexts(sql, kind, [instanceId]),
  share: (sql, instanceIds) =>
    sql.run('SELECT pg_advisory_xact_lock_shared(hashtextextended(id, $2)) FROM unnest($1::text[]) AS i (id)', [
      [...new Set(instanceIds)].sort(),
      lockSeeds[kind],
    ]),
});

/**
 * Whoever erases a user takes it first: then nobody on another node, who has seen the name, is still about to write what
 * erasing would have removed. It is shared before any row is locked.
 */
export const erasureLock = instanceLock('erasing');

/**
 * Whoever enables a webhook takes it first: then nobody who saw it disabled is still about to write a message that is held,
 * and a catch-up that follows finds them all.
 */
export const enablingLock = instanceLock('enabling');

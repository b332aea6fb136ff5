import type { DatabaseSync } from 'node:sqlite';
import { prepare } from './statement.ts';

/**
 * Makes everything due that an ended process had claimed, so that a restart goes on where it was and not when the leases
 * run out. Only for the start of the one process that uses the database: its own claims would be lost.
 */
export function prepareReleaseAbandonedClaims(db: DatabaseSync): () => null {
  const releaseRanges = prepare(
    db,
    'UPDATE ranges SET claim_token = NULL, due_at = ? WHERE claim_token IS NOT NULL AND due_at > ?',
  );
  const releaseDeliveries = prepare(
    db,
    'UPDATE deferred_deliveries SET claim_token = NULL, due_at = ? WHERE claim_token IS NOT NULL AND due_at > ?',
  );
  const releaseMessages = prepare(
    db,
    `UPDATE messages SET claim_token = NULL, due_at = ? WHERE rowid IN
       (SELECT m.rowid FROM message_turns CROSS JOIN messages m INDEXED BY messages_by_target_due USING (instance_id, target)
        WHERE m.due_at > ? AND m.claim_token IS NOT NULL)`,
  );
  // Who had to rest is known to nobody any more.
  const endRests = prepare(db, 'UPDATE message_turns SET turn_at = ?, resting = 0 WHERE turn_at > ?');
  return () => {
    const now = Date.now();
    for (const release of [releaseRanges, releaseDeliveries, releaseMessages, endRests]) release.run(now, now);
    return null;
  };
}

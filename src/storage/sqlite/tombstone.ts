import type { DatabaseSync } from 'node:sqlite';
import type { GoneReason } from '../rows/gone-reason.ts';
import { prepare } from './statement.ts';

/** Turns a living device into a tombstone: no interests, no tags, no alias, its address free for a new device, its user remembered. */
export function prepareTombstone(db: DatabaseSync): (instanceId: string, number: number, reason: GoneReason) => void {
  const markGone = prepare(
    db,
    'UPDATE devices SET gone_at = ?, gone_reason = ?, alias_number = NULL WHERE number = ? AND gone_at IS NULL',
  );
  const deleteInterests = prepare(db, 'DELETE FROM device_interests WHERE instance_id = ? AND device_number = ?');
  const deleteTags = prepare(db, 'DELETE FROM device_tags WHERE instance_id = ? AND device_number = ?');
  const countLess = prepare(db, 'UPDATE device_counts SET living = living - 1 WHERE instance_id = ?');
  return (instanceId, number, reason) => {
    if (markGone.run(Date.now(), reason, number) !== 1) return;
    deleteInterests.run(instanceId, number);
    deleteTags.run(instanceId, number);
    countLess.run(instanceId);
  };
}

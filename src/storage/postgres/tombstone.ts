import type { GoneReason } from '../rows/gone-reason.ts';
import type { Sql } from './database.ts';

// `coalesce`: found by its number alone; of those that are not gone there seem to be few, when nothing is known of the table.
const markGone = `UPDATE devices SET gone_at = pharos_now(), gone_reason = $2, alias_number = NULL
  WHERE number = $1 AND coalesce(gone_at, 0) = 0`;
// A statement of its own: one that waits for the device's row must see what was written meanwhile by whoever had it.
const deleteRest = `WITH interests AS (DELETE FROM device_interests WHERE instance_id = $1 AND device_number = $2),
    tags AS (DELETE FROM device_tags WHERE instance_id = $1 AND device_number = $2)
  UPDATE device_counts SET living = living - 1 WHERE instance_id = $1`;

/** Turns a living device into a tombstone: no interests, no tags, no alias, its address free for a new device, its user remembered. */
export async function tombstone(sql: Sql, instanceId: string, deviceNumber: number, reason: GoneReason): Promise<void> {
  if ((await sql.run(markGone, [deviceNumber, reason])) === 1) await sql.run(deleteRest, [instanceId, deviceNumber]);
}

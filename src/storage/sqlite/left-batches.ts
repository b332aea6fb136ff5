import type { DatabaseSync } from 'node:sqlite';
import { prepare } from './statement.ts';

/** Messages are about to leave their batch: its attempts so far stay theirs. */
export function prepareLeaveBatches(
  db: DatabaseSync,
): (instanceId: string, day: number, ids: readonly string[]) => void {
  const ofBatch = 'FROM attempts a WHERE a.instance_id = m.instance_id AND a.day = m.day AND a.message_id = m.batch_id';
  const leave = prepare(
    db,
    `UPDATE messages AS m SET left_batches = coalesce(left_batches || ' ', '') || batch_id || ':' || (SELECT max(number) ${ofBatch})
     WHERE instance_id = ? AND day = ? AND id IN (SELECT value FROM json_each(?)) AND EXISTS (SELECT 1 ${ofBatch})`,
  );
  return (instanceId, day, ids) => void leave.run(instanceId, day, JSON.stringify(ids));
}

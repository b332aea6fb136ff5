import type { MessageKey } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { Sql } from './database.ts';

const leave = `
  UPDATE messages m SET left_batches = coalesce(m.left_batches || ' ', '') || b.batch_id || ':' || b.attempts
  FROM (
    SELECT f.instance_id, f.day, f.id, f.batch_id, max(a.number) AS attempts
    FROM (
      SELECT m.instance_id, m.day, m.id, coalesce(q.batch_id, m.batch_id) AS batch_id
      FROM unnest($1::uuid[], $2::uuid[]) AS k (instance_id, id)
        JOIN messages m ON m.instance_id = k.instance_id AND m.id = k.id
        LEFT JOIN message_queue q ON q.instance_id = m.instance_id AND q.message_id = m.id
      WHERE m.day = ANY($3::bigint[])
    ) f JOIN attempts a ON a.instance_id = f.instance_id AND a.day = f.day AND a.message_id = f.batch_id
    GROUP BY f.instance_id, f.day, f.id, f.batch_id
  ) b
  WHERE m.instance_id = b.instance_id AND m.day = b.day AND m.id = b.id AND m.day = ANY($3::bigint[])`;

/** Messages, whose rows are locked, are about to leave their batch: its attempts so far stay theirs. */
export async function leaveBatches(sql: Sql, keys: readonly MessageKey[]): Promise<void> {
  if (keys.length === 0) return;
  await sql.run(leave, [
    keys.map(({ instanceId }) => instanceId),
    keys.map(({ messageId }) => messageId),
    [...new Set(keys.map(({ messageId }) => uuidV7Day(messageId)))],
  ]);
}

import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Sql } from './database.ts';

// FINISHED of a publish must not overtake STARTED's first attempt. Both sides lock STARTED's row in the queue, so that one
// of them sees what the other has done.

const ofPublish = `m.instance_id = p.instance_id AND m.publish_id = p.publish_id
  AND m.event_type IN ('publish.started', 'publish.finished')`;

// `OFFSET 0`: one by one.
const listUntried = `
  SELECT m.instance_id, m.publish_id
  FROM (
    SELECT f.* FROM unnest($1::uuid[], $2::uuid[]) AS p (instance_id, publish_id) CROSS JOIN LATERAL (
      SELECT * FROM messages m WHERE ${ofPublish} AND m.event_type = 'publish.started' OFFSET 0
    ) f ORDER BY f.instance_id, f.id
  ) m CROSS JOIN LATERAL (
    SELECT tries FROM message_queue WHERE instance_id = m.instance_id AND message_id = m.id OFFSET 0 FOR UPDATE
  ) q
  WHERE q.tries = 0 AND m.earlier_attempts = 0`;

/** Those of the publishes whose STARTED was not tried yet: their FINISHED has to wait for it. Locks STARTED until the end. */
export async function listUntriedStarted(sql: Sql, publishes: readonly PublishKey[]): Promise<readonly PublishKey[]> {
  if (publishes.length === 0) return [];
  const rows = await sql.all<{ instance_id: string; publish_id: string }>(listUntried, [
    publishes.map(({ instanceId }) => instanceId),
    publishes.map(({ publishId }) => publishId),
  ]);
  return rows.map((row) => ({ instanceId: row.instance_id, publishId: row.publish_id }));
}

// Locked and then looked at: what waits here for FINISHED to be delivered must not queue it again afterwards.
const queueFinished = `
  WITH waiting AS (
    SELECT m.instance_id, m.target, m.day, m.id
    FROM (
      SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS p (instance_id, publish_id) ORDER BY instance_id, publish_id
    ) p CROSS JOIN LATERAL (
      SELECT * FROM messages m WHERE ${ofPublish} AND m.event_type = 'publish.finished' AND m.state = 'waiting'
      OFFSET 0 FOR UPDATE
    ) m
  )
  INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
  SELECT instance_id, target, day, id, pharos_now(), 0 FROM waiting
  ON CONFLICT (instance_id, message_id) DO NOTHING`;

/** STARTED of these publishes was tried, or never will be. */
export async function releaseFinished(sql: Sql, publishes: readonly PublishKey[]): Promise<void> {
  if (publishes.length === 0) return;
  await sql.run(queueFinished, [
    publishes.map(({ instanceId }) => instanceId),
    publishes.map(({ publishId }) => publishId),
  ]);
}

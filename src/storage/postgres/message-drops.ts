import type { DropMessages } from '../../core/ports/instance-store.ts';
import type { DropReason } from '../../core/ports/message-store.ts';
import { leastUuid } from '../rows/uuid-bounds.ts';
import type { Sql } from './database.ts';

/**
 * Takes messages of an instance ($1) out of the queue and ends them; they keep what was counted there. An array: what is chosen with
 * a limit must be chosen once.
 */
export const endWaiting = (state: string, messageIds: string): string => `
  WITH gone AS (
    DELETE FROM message_queue WHERE instance_id = $1 AND message_id = ANY(ARRAY(${messageIds}))
    RETURNING instance_id, day, message_id, tries, batch_id
  )
  UPDATE messages m SET ${state}, attempts = m.earlier_attempts + gone.tries, batch_id = coalesce(gone.batch_id, m.batch_id)
  FROM gone WHERE m.instance_id = gone.instance_id AND m.day = gone.day AND m.id = gone.message_id`;

const dropped = (reason: DropReason): string => `state = 'dropped', drop_reason = '${reason}'`;

const dropWaiting = endWaiting(
  dropped('webhook-deleted'),
  `SELECT message_id FROM message_queue WHERE instance_id = $1 AND target = $2
   ORDER BY due_at, message_id LIMIT $3 FOR UPDATE SKIP LOCKED`,
);
// What is held stands among what is exhausted, which stays and may be millions: it is walked through once. `coalesce`: else each
// row might be looked for among all that failed, by the index of those.
const dropHeld = `
  WITH failed AS MATERIALIZED (
    SELECT day, id FROM messages
    WHERE instance_id = $1 AND target = $2 AND state IN ('exhausted', 'held') AND id > $3 ORDER BY id LIMIT $4
  ), dropped AS (
    UPDATE messages m SET ${dropped('webhook-deleted')} FROM failed
    WHERE m.instance_id = $1 AND m.day = failed.day AND m.id = failed.id AND coalesce(m.state) = 'held'
  )
  SELECT count(*) AS count, max(id::text) AS last FROM failed`;

/** Of a webhook that was deleted: what waits, what is held, and what is on its way, which will not be sent again. */
export async function dropMessagesOfWebhook(
  sql: Sql,
  { instanceId, id, limit, after }: DropMessages,
): Promise<{ readonly more: boolean; readonly after: string | null }> {
  if ((await sql.run(dropWaiting, [instanceId, id, limit])) === limit) return { more: true, after };
  const of = [instanceId, id, after ?? leastUuid, limit];
  const failed = await sql.get<{ count: number; last: string | null }>(dropHeld, of);
  return { more: failed?.count === limit, after: failed?.last ?? after };
}

// One that is leased, or was, may be on its way: its completion drops it if it would be sent again.
const dropWaitingAboutUser = endWaiting(
  dropped('user-erased'),
  `SELECT q.message_id
   FROM messages m JOIN message_queue q ON q.instance_id = m.instance_id AND q.message_id = m.id
   WHERE m.instance_id = $1 AND m.user_number = $2 AND q.claim_token IS NULL
   ORDER BY q.message_id FOR UPDATE OF q`,
);
const dropHeldAboutUser = `
  UPDATE messages SET ${dropped('user-erased')} WHERE instance_id = $1 AND user_number = $2 AND state = 'held'`;
// Targets may answer with what they were told.
const eraseResponses = `
  UPDATE attempts a SET response_headers = NULL, response_body = NULL, request_hash = NULL
  FROM messages m LEFT JOIN message_queue q ON q.instance_id = m.instance_id AND q.message_id = m.id
  WHERE m.instance_id = $1 AND m.user_number = $2
    AND a.instance_id = m.instance_id AND a.day = m.day AND a.message_id IN (m.id, m.batch_id, q.batch_id)`;
const eraseEarlierResponses = `
  UPDATE attempts a SET response_headers = NULL, response_body = NULL, request_hash = NULL
  FROM (
    SELECT m.day, split_part(left_batch, ':', 1)::uuid AS batch_id
    FROM messages m CROSS JOIN LATERAL unnest(string_to_array(m.left_batches, ' ')) AS left_batch
    WHERE m.instance_id = $1 AND m.user_number = $2 AND m.left_batches IS NOT NULL
  ) b
  WHERE a.instance_id = $1 AND a.day = b.day AND a.message_id = b.batch_id`;

/**
 * Of a user who is erased: responses to what was said about them, and what waits or is held and is not on its way; answers
 * how many messages were dropped. Whoever calls it holds `erasureLock`.
 */
export async function eraseMessagesAboutUser(sql: Sql, instanceId: string, userNumber: number): Promise<number> {
  const about = [instanceId, userNumber] as const;
  const dropped = await sql.run(dropWaitingAboutUser, about);
  await sql.run(eraseResponses, about);
  await sql.run(eraseEarlierResponses, about);
  return dropped + (await sql.run(dropHeldAboutUser, about));
}

import type { MessageKey } from '../../core/ports/message-store.ts';
import type { ResendRefusal } from '../../core/ports/replay-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { ResendRow } from '../rows/resend-refusal.ts';
import { resendRefusalOf } from '../rows/resend-refusal.ts';
import { keyOf } from './claimed-messages.ts';
import type { Sql } from './database.ts';
import { leaveBatches } from './left-batches.ts';

const ofKeys = 'unnest($1::uuid[], $2::uuid[]) AS k (instance_id, id)';
const lockWaiting = `
  SELECT 1 FROM ${ofKeys} JOIN message_queue q ON q.instance_id = k.instance_id AND q.message_id = k.id
  ORDER BY q.instance_id, q.message_id FOR UPDATE OF q`;
// Whoever sends the same again at the same time waits for the message: there is no row of the queue to wait for.
const lockOver = `
  SELECT 1 FROM ${ofKeys} JOIN messages m ON m.instance_id = k.instance_id AND m.id = k.id
  WHERE m.day = ANY($3::bigint[])
    AND NOT EXISTS (SELECT FROM message_queue q WHERE q.instance_id = k.instance_id AND q.message_id = k.id)
  ORDER BY m.instance_id, m.id FOR UPDATE OF m`;
const listMessages = `
  SELECT m.instance_id, m.id, m.state, m.target, q.due_at, q.claim_token, pharos_now() AS now,
    EXISTS (SELECT FROM users u WHERE u.number = m.user_number AND u.name IS NULL) AS user_erased,
    m.publish_id IS NULL
      OR EXISTS (SELECT FROM publishes p WHERE p.instance_id = m.instance_id AND p.id = m.publish_id) AS has_publish,
    w.id IS NOT NULL AS has_webhook, w.disabled_at IS NOT NULL AS webhook_disabled
  FROM ${ofKeys} JOIN messages m ON m.instance_id = k.instance_id AND m.id = k.id
    LEFT JOIN message_queue q ON q.instance_id = m.instance_id AND q.message_id = m.id
    LEFT JOIN webhooks w ON w.instance_id = m.instance_id AND w.id::text = m.target
  WHERE m.day = ANY($3::bigint[])`;
const hurry = `
  UPDATE message_queue q SET due_at = pharos_now(), claim_token = NULL, batch_id = NULL
  FROM ${ofKeys} WHERE q.instance_id = k.instance_id AND q.message_id = k.id
    -- Somebody else may have sent it again and it may have been claimed, since it was looked at.
    AND (q.claim_token IS NULL OR q.due_at <= pharos_now())`;
const beginAgain = `
  WITH again AS (
    UPDATE messages m SET state = 'waiting', drop_reason = NULL, batch_id = NULL, earlier_attempts = attempts
    FROM ${ofKeys} WHERE m.instance_id = k.instance_id AND m.id = k.id AND m.day = ANY($3::bigint[])
    RETURNING m.instance_id, m.target, m.day, m.id
  )
  INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
  SELECT instance_id, target, day, id, pharos_now(), 0 FROM again`;

interface Row extends ResendRow {
  readonly instance_id: string;
  readonly id: string;
  readonly now: number;
}

/** Makes messages due now, each of them once; those that were over begin a new schedule. Answers in order. */
export async function resend(sql: Sql, keys: readonly MessageKey[]): Promise<readonly ('due' | ResendRefusal)[]> {
  if (keys.length === 0) return [];
  const all = toColumns(keys.map(({ instanceId, messageId }) => ({ instance_id: instanceId, id: messageId })));
  await sql.run(lockWaiting, all.slice(0, 2));
  await sql.run(lockOver, all);
  const rows = new Map(
    (await sql.all<Row>(listMessages, all)).map((row) => [
      keyOf({ instanceId: row.instance_id, messageId: row.id }),
      { row, refusal: resendRefusalOf(row, row.now) },
    ]),
  );
  const due = [...rows.values()].filter(({ refusal }) => refusal === null).map(({ row }) => row);
  const waiting = due.filter(({ state }) => state === 'waiting');
  const over = due.filter(({ state }) => state !== 'waiting');
  await leaveBatches(
    sql,
    due.map((row) => ({ instanceId: row.instance_id, messageId: row.id })),
  );
  if (waiting.length > 0) await sql.run(hurry, toColumns(waiting).slice(0, 2));
  if (over.length > 0) await sql.run(beginAgain, toColumns(over));
  return keys.map((key) => {
    const message = rows.get(keyOf(key));
    return message ? (message.refusal ?? 'due') : 'unknown-message';
  });
}

const toColumns = (messages: readonly Pick<Row, 'instance_id' | 'id'>[]) => [
  messages.map((row) => row.instance_id),
  messages.map((row) => row.id),
  [...new Set(messages.map((row) => uuidV7Day(row.id)))],
];

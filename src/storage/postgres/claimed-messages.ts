import type { ClaimedMessage, MessageFate, MessageKey } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { Sql } from './database.ts';
import { erasureLock } from './instance-locks.ts';
import { leaveBatches } from './left-batches.ts';
import { releaseFinished } from './started-first.ts';

/** A row of the queue, with what its message says. */
export interface QueuedMessage {
  readonly instance_id: string;
  readonly message_id: string;
  readonly target: string;
  readonly claim_token: string | null;
  readonly tries: number;
  readonly batch_id: string | null;
  readonly earlier_attempts: number;
  readonly event_type: ClaimedMessage['eventType'];
  readonly publish_id: string | null;
  readonly user_erased: boolean;
}

// `OFFSET 0`: one by one.
const lockRows = `
  SELECT q.instance_id, q.message_id, q.target, q.claim_token, q.tries, q.batch_id, m.earlier_attempts, m.event_type, m.publish_id,
    EXISTS (SELECT FROM users u WHERE u.number = m.user_number AND u.name IS NULL) AS user_erased
  FROM (
      SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS c (instance_id, message_id) ORDER BY instance_id, message_id
    ) c CROSS JOIN LATERAL (
      SELECT * FROM message_queue WHERE instance_id = c.instance_id AND message_id = c.message_id OFFSET 0 FOR UPDATE
    ) q CROSS JOIN LATERAL (
      SELECT * FROM messages
      WHERE instance_id = q.instance_id AND day = q.day AND id = q.message_id AND day = ANY($3::bigint[]) OFFSET 0
    ) m`;

/** Rows of messages that wait, locked in one order whatever the order of the keys. No user among them is erased meanwhile. */
export async function lockQueued(sql: Sql, keys: readonly MessageKey[]): Promise<Map<string, QueuedMessage>> {
  const instanceIds = keys.map(({ instanceId }) => instanceId);
  await erasureLock.share(sql, instanceIds);
  const ids = keys.map(({ messageId }) => messageId);
  const rows = await sql.all<QueuedMessage>(lockRows, [instanceIds, ids, [...new Set(ids.map(uuidV7Day))]]);
  return new Map(rows.map((row) => [keyOf({ instanceId: row.instance_id, messageId: row.message_id }), row]));
}

export const keyOf = ({ instanceId, messageId }: MessageKey): string => `${instanceId} ${messageId}`;

/** What becomes of a message whose row is locked. */
export interface Fate {
  readonly message: QueuedMessage;
  readonly attempted: boolean;
  readonly next: MessageFate;
  /** What it was sent in with others, and will be sent in again. */
  readonly batchId: string | null;
}

/** Of an erased user nothing is sent again. */
export const fateOf = (message: QueuedMessage, asked: MessageFate): MessageFate =>
  asked.kind === 'retry' && message.user_erased ? { kind: 'dropped', reason: 'user-erased' } : asked;

const retry = `
  UPDATE message_queue q
  SET due_at = pharos_now() + r.retry_in, tries = r.tries, batch_id = r.batch_id, claim_token = NULL
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[])
    AS r (instance_id, message_id, retry_in, tries, batch_id)
  WHERE q.instance_id = r.instance_id AND q.message_id = r.message_id`;
const leaveQueue = `
  DELETE FROM message_queue q USING unnest($1::uuid[], $2::uuid[]) AS e (instance_id, message_id)
  WHERE q.instance_id = e.instance_id AND q.message_id = e.message_id`;
// Of one day, so that only its partition is looked at.
const end = `
  UPDATE messages m SET state = e.state, drop_reason = e.drop_reason, attempts = e.attempts, batch_id = e.batch_id
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::uuid[])
    AS e (instance_id, id, state, drop_reason, attempts, batch_id)
  WHERE m.day = $1 AND m.instance_id = e.instance_id AND m.id = e.id`;

/** Writes what becomes of messages, before their attempts are written. FINISHED is due when STARTED was tried, or never will be. */
export async function settleMessages(sql: Sql, fates: readonly Fate[]): Promise<void> {
  const leaving = fates.filter(({ message, batchId }) => message.batch_id !== null && message.batch_id !== batchId);
  await leaveBatches(
    sql,
    leaving.map(({ message }) => ({ instanceId: message.instance_id, messageId: message.message_id })),
  );
  const waiting = fates.flatMap(({ next, ...fate }) => (next.kind === 'retry' ? { ...fate, next } : []));
  const ended = fates.flatMap(({ next, ...fate }) => (next.kind === 'retry' ? [] : { ...fate, next }));
  if (waiting.length > 0) {
    await sql.run(retry, [
      ...toKeys(waiting),
      waiting.map(({ next }) => next.retryInMs),
      waiting.map(triesOf),
      waiting.map(({ batchId }) => batchId),
    ]);
  }
  if (ended.length > 0) await sql.run(leaveQueue, toKeys(ended));
  for (const [day, ofDay] of Map.groupBy(ended, ({ message }) => uuidV7Day(message.message_id))) {
    await sql.run(end, [
      day,
      ...toKeys(ofDay),
      ofDay.map(({ next }) => next.kind),
      ofDay.map(({ next }) => (next.kind === 'dropped' ? next.reason : null)),
      ofDay.map((fate) => fate.message.earlier_attempts + triesOf(fate)),
      ofDay.map(({ batchId }) => batchId),
    ]);
  }
  const started = fates.filter(({ message }) => message.event_type === 'publish.started');
  const tried = started.filter((fate) => fate.next.kind !== 'retry' || triesOf(fate) > 0);
  await releaseFinished(
    sql,
    tried.flatMap(({ message: { instance_id: instanceId, publish_id: publishId } }) =>
      publishId === null ? [] : { instanceId, publishId },
    ),
  );
}

const triesOf = ({ message, attempted }: Pick<Fate, 'message' | 'attempted'>): number =>
  message.tries + (attempted ? 1 : 0);

const toKeys = (fates: readonly Pick<Fate, 'message'>[]) =>
  [fates.map(({ message }) => message.instance_id), fates.map(({ message }) => message.message_id)] as const;

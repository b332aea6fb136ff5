import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { WebhookBatch } from '../../core/ports/instance-store.ts';
import type { MessageCommands, MessageFate } from '../../core/ports/message-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import { chanceUuidV7 } from '../../protocol/uuid-v7.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepareInsertAttempt } from './insert-attempt.ts';
import { fromAttempt } from '../rows/attempt-row.ts';
import type { MessageRow } from '../rows/message-row.ts';
import { aboutJoins } from '../rows/message-row.ts';
import { prepareForArrays } from './array-statement.ts';
import { prepareLeaveBatches } from './left-batches.ts';
import type { MessageLeases } from './message-leases.ts';
import type { ClaimedRow, PackedMessages } from './packed-messages.ts';
import { claimedColumns } from './packed-messages.ts';
import { prepareHurryTurn } from './message-turns.ts';
import type { RecordHealth } from './webhook-health.ts';
import { prepare } from './statement.ts';

export interface BatchClaim {
  readonly instanceId: string;
  readonly webhookId: string;
  readonly batch: WebhookBatch;
  readonly now: number;
  readonly leaseMs: number;
}

/**
 * Claims the next batch of a webhook, under one token; null when none is due. A batch that was claimed before, perhaps
 * by a process that ended, is claimed as it was: same messages, same id. A new one takes what is due and what only waits
 * for others. Which messages are in it is written with the claim, so the claim is written too.
 */
export function prepareClaimBatch(
  db: DatabaseSync,
  leases: MessageLeases,
): (claim: BatchClaim) => PackedMessages | null {
  const ofTarget = `m.due_at IS NOT NULL AND m.instance_id = ? AND m.target = ?`;
  const isFree = 'm.rowid NOT IN (SELECT value FROM json_each(?))';
  const from = 'FROM messages m INDEXED BY messages_by_target_due';
  const findFirst = prepare<Pick<MessageRow, 'id' | 'attempts' | 'earlier_attempts' | 'due_at' | 'batch_id'>>(
    db,
    `SELECT m.id, m.attempts, m.earlier_attempts, m.due_at, m.batch_id ${from}
     WHERE ${ofTarget} AND m.due_at <= ? AND ${isFree} ORDER BY m.due_at LIMIT 1`,
  );
  const listBatch = prepareForArrays<ClaimedRow>(
    db,
    `SELECT ${claimedColumns} ${from} ${aboutJoins}
     WHERE ${ofTarget} AND m.due_at = ? AND m.batch_id = ?`,
  );
  // Of one day, so that attempts are filed where each of the messages finds them; with as many tries left.
  const listNew = prepareForArrays<ClaimedRow>(
    db,
    `SELECT ${claimedColumns} ${from} ${aboutJoins}
     WHERE ${ofTarget} AND m.due_at <= ? AND m.batch_id IS NULL AND (m.claim_token IS NULL OR m.due_at <= ?)
       AND m.day = ? AND m.attempts - m.earlier_attempts = ? AND ${isFree} ORDER BY m.due_at LIMIT ?`,
  );
  const lease = prepare(
    db,
    `UPDATE messages SET claim_token = ?, due_at = ?, batch_id = ? WHERE instance_id = ? AND day = ?
       AND id IN (SELECT value FROM json_each(?))`,
  );

  return ({ instanceId, webhookId, batch, now, leaseMs }) => {
    const taken = leases.liveRows({ instanceId, target: webhookId });
    const first = findFirst.get(instanceId, webhookId, now, taken);
    if (!first || first.due_at === null) return null;
    const day = uuidV7Day(first.id);
    const tries = first.attempts - first.earlier_attempts;
    const rows = first.batch_id
      ? listBatch(instanceId, webhookId, first.due_at, first.batch_id)
      : listNew(instanceId, webhookId, now + batch.maxWaitMs, now, day, tries, taken, batch.maxEvents);
    const batchId = first.batch_id ?? chanceUuidV7(uuidV7Time(first.id));
    const claimToken = randomUUID();
    const ids = rows.map(([, id]) => id);
    lease.run(claimToken, now + leaseMs, batchId, instanceId, day, JSON.stringify(ids));
    for (const id of ids) leases.remove(id);
    // The same order on every attempt: the body is signed and compared.
    const inOrder = rows.toSorted(([, one], [, other]) => (one < other ? -1 : 1));
    return { instanceId, target: webhookId, claimToken, batchId, rows: inOrder };
  };
}

export function prepareCompleteBatches(
  db: DatabaseSync,
  recordHealth: RecordHealth,
): CommandHandlers<Pick<MessageCommands, 'completeBatches'>>['completeBatches'] {
  const ofBatch = 'instance_id = ? AND day = ? AND id IN (SELECT value FROM json_each(?)) AND claim_token = ?';
  const settle = prepare(
    db,
    `UPDATE messages SET state = ?, drop_reason = ?, attempts = attempts + ?, due_at = ?, batch_id = ?, claim_token = NULL
     WHERE ${ofBatch}`,
  );
  const aboutErased = 'EXISTS (SELECT 1 FROM users WHERE users.number = messages.user_number AND users.name IS NULL)';
  const findErased = prepare<{ found: 1 }>(
    db,
    `SELECT 1 AS found FROM messages WHERE ${ofBatch} AND ${aboutErased} LIMIT 1`,
  );
  const dropErased = prepare(
    db,
    `UPDATE messages SET state = 'dropped', drop_reason = 'user-erased', attempts = attempts + 1, due_at = NULL,
       claim_token = NULL WHERE ${ofBatch} AND ${aboutErased}`,
  );
  const findLastAttempt = prepare<{ number: number | null }>(
    db,
    'SELECT max(number) AS number FROM attempts WHERE instance_id = ? AND day = ? AND message_id = ?',
  );
  const leaveBatches = prepareLeaveBatches(db);
  const insertAttempt = prepareInsertAttempt(db);
  const hurryTurn = prepareHurryTurn(db);

  return ({ instanceId, webhookId, batchId, claimToken, sent, unsent }) => {
    const day = uuidV7Day(batchId);
    const now = Date.now();
    const keyOf = (ids: readonly string[]) => [instanceId, day, JSON.stringify(ids), claimToken] as const;
    const columnsOf = (next: MessageFate) =>
      [
        next.kind === 'retry' ? 'waiting' : next.kind,
        next.kind === 'dropped' ? next.reason : null,
        next.kind === 'retry' ? now + next.retryInMs : null,
      ] as const;
    let settled = 0;
    for (const { messageIds, next } of unsent) {
      leaveBatches(instanceId, day, messageIds);
      const [state, dropReason, dueAt] = columnsOf(next);
      settled += settle.run(state, dropReason, 0, dueAt, null, ...keyOf(messageIds));
      if (dueAt !== null) hurryTurn({ instanceId, target: webhookId }, dueAt);
    }
    if (sent) {
      const key = keyOf(sent.messageIds);
      const aboutErasedUser = findErased.get(...key) !== undefined;
      const [state, dropReason, dueAt] = columnsOf(sent.next);
      const dropped = sent.next.kind === 'retry' && aboutErasedUser ? dropErased.run(...key) : 0;
      const completed = dropped + settle.run(state, dropReason, 1, dueAt, batchId, ...key);
      if (dueAt !== null) hurryTurn({ instanceId, target: webhookId }, dueAt);
      const number = (findLastAttempt.get(instanceId, day, batchId)?.number ?? 0) + 1;
      if (completed > 0)
        insertAttempt({ instanceId, id: batchId, number, aboutErasedUser }, fromAttempt(sent.attempt, false));
      settled += completed;
      const succeeded = sent.next.kind === 'delivered';
      if (completed > 0 && recordHealth({ instanceId, webhookId, succeeded, disable: sent.disable })) return 'disabled';
    }
    return settled > 0 ? 'recorded' : 'stale';
  };
}

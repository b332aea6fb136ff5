import { randomUUID } from 'node:crypto';
import type { CompleteBatch, MessageCommands } from '../../core/ports/message-store.ts';
import type { WebhookBatch } from '../../core/ports/instance-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import { chanceUuidV7 } from '../../protocol/uuid-v7.ts';
import type { Fate } from './claimed-messages.ts';
import { fateOf, keyOf, lockQueued, settleMessages } from './claimed-messages.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers } from './handlers.ts';
import { batch } from './handlers.ts';
import { insertAttempts } from './insert-attempts.ts';
import { recordHealth } from './webhook-health.ts';

export interface BatchClaim {
  readonly instanceId: string;
  readonly webhookId: string;
  readonly batch: WebhookBatch;
  readonly leaseMs: number;
}

/** Messages that one request is claimed for. */
export interface BatchMessages {
  /** In the order in which they are sent, on every attempt: the body is signed and compared. */
  readonly messageIds: readonly string[];
  readonly claimToken: string;
  readonly batchId: string;
}

interface FirstRow {
  day: number;
  message_id: string;
  due_at: number;
  tries: number;
  batch_id: string | null;
}

const ofTarget = 'instance_id = $1 AND target = $2';
const findFirst = `
  SELECT day, message_id, due_at, tries, batch_id FROM message_queue
  WHERE ${ofTarget} AND due_at <= pharos_now() ORDER BY due_at, message_id LIMIT 1`;
const lease = (rows: string): string => `
  UPDATE message_queue SET claim_token = $3, due_at = pharos_now() + $4, batch_id = $5
  WHERE instance_id = $1 AND message_id = ANY(ARRAY(${rows})) RETURNING message_id`;
// Whoever has rows of it is about to change all of them: waiting is better than to claim a part.
const leaseAgain = lease(
  `SELECT message_id FROM message_queue WHERE ${ofTarget} AND batch_id = $5 AND due_at = $6
   ORDER BY message_id FOR UPDATE`,
);
// Of one day, so that attempts are filed where each of the messages finds them; with as many tries left. What only waits
// for others comes along.
const leaseNew = lease(
  `SELECT message_id FROM message_queue
   WHERE ${ofTarget} AND due_at <= pharos_now() + $6 AND batch_id IS NULL
     AND (claim_token IS NULL OR due_at <= pharos_now()) AND day = $7 AND tries = $8
   ORDER BY due_at, message_id LIMIT $9 FOR UPDATE SKIP LOCKED`,
);

/**
 * Claims the next batch of a webhook, under one token; null when none is due. A batch that was claimed before, perhaps
 * by a process that ended, is claimed as it was: same messages, same id. A new one takes what is due and what only waits
 * for others.
 */
export async function claimBatch(sql: Sql, claim: BatchClaim): Promise<BatchMessages | null> {
  const { instanceId, webhookId, leaseMs, batch: rules } = claim;
  const first = await sql.get<FirstRow>(findFirst, [instanceId, webhookId]);
  if (!first) return null;
  const claimToken = randomUUID();
  const batchId = first.batch_id ?? chanceUuidV7(uuidV7Time(first.message_id));
  const by = [instanceId, webhookId, claimToken, leaseMs, batchId] as const;
  const rows = first.batch_id
    ? await sql.all<{ message_id: string }>(leaseAgain, [...by, first.due_at])
    : await sql.all<{ message_id: string }>(leaseNew, [
        ...[...by, rules.maxWaitMs, first.day, first.tries, rules.maxEvents],
      ]);
  if (rows.length === 0) return null;
  return { messageIds: rows.map((row) => row.message_id).sort(), claimToken, batchId };
}

const listLastAttempts = `
  SELECT a.message_id, max(a.number) AS number
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS b (instance_id, day, id)
    JOIN attempts a ON a.instance_id = b.instance_id AND a.day = b.day AND a.message_id = b.id
  GROUP BY a.message_id`;

interface Sent {
  readonly item: CompleteBatch;
  readonly attempt: NonNullable<CompleteBatch['sent']>['attempt'];
  readonly aboutErasedUser: boolean;
}

type Completed = 'recorded' | 'disabled' | 'stale';

async function complete(sql: Sql, items: readonly CompleteBatch[]): Promise<readonly Completed[]> {
  const queued = await lockQueued(sql, items.flatMap(keysOf));
  /** Those that are still claimed by the item; each of them once. */
  const take = ({ instanceId, claimToken }: CompleteBatch, messageIds: readonly string[]) =>
    messageIds.flatMap((messageId) => {
      const key = keyOf({ instanceId, messageId });
      const message = queued.get(key);
      if (message?.claim_token !== claimToken) return [];
      queued.delete(key);
      return message;
    });
  const fates: Fate[] = [];
  const sent: Sent[] = [];
  const settled = items.map((item) => {
    const before = fates.length;
    for (const { messageIds, next } of item.unsent) {
      for (const message of take(item, messageIds)) fates.push({ message, attempted: false, next, batchId: null });
    }
    if (item.sent) {
      const { messageIds, attempt, next } = item.sent;
      const messages = take(item, messageIds);
      const { batchId } = item;
      for (const message of messages) fates.push({ message, attempted: true, next: fateOf(message, next), batchId });
      const aboutErasedUser = messages.some((message) => message.user_erased);
      if (messages.length > 0) sent.push({ item, attempt, aboutErasedUser });
    }
    return fates.length > before;
  });
  await settleMessages(sql, fates);
  await insertAttemptsOf(sql, sent);
  const disabled = await recordHealth(
    sql,
    sent.map(({ item: { instanceId, webhookId, sent: request } }) => ({
      ...{ instanceId, webhookId, succeeded: request?.next.kind === 'delivered', disable: request?.disable ?? null },
    })),
  );
  const disabling = new Set(sent.filter((_, index) => disabled[index]).map(({ item }) => item));
  return items.map((item, index) => (disabling.has(item) ? 'disabled' : settled[index] ? 'recorded' : 'stale'));
}

async function insertAttemptsOf(sql: Sql, sent: readonly Sent[]): Promise<void> {
  if (sent.length === 0) return;
  const batchIds = sent.map(({ item }) => item.batchId);
  const last = await sql.all<{ message_id: string; number: number }>(listLastAttempts, [
    sent.map(({ item }) => item.instanceId),
    batchIds.map(uuidV7Day),
    batchIds,
  ]);
  const numbers = new Map(last.map((row) => [row.message_id, row.number]));
  const attempts = sent.map(({ item: { instanceId, batchId: id }, attempt, aboutErasedUser }) => {
    const number = (numbers.get(id) ?? 0) + 1;
    numbers.set(id, number);
    return { instanceId, id, number, attempt, aboutErasedUser };
  });
  await insertAttempts(sql, attempts);
}

const keysOf = ({ instanceId, sent, unsent }: CompleteBatch) =>
  [...(sent?.messageIds ?? []), ...unsent.flatMap(({ messageIds }) => messageIds)].map((messageId) => ({
    ...{ instanceId, messageId },
  }));

export const completeBatches: CommandHandlers<MessageCommands>['completeBatches'] = batch(complete);

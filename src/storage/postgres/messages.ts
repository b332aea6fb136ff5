import type { CompleteAttempt, MessageCommands } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { QueuedMessage } from './claimed-messages.ts';
import { fateOf, keyOf, lockQueued, settleMessages } from './claimed-messages.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers } from './handlers.ts';
import { batch } from './handlers.ts';
import { insertAttempts } from './insert-attempts.ts';
import { completeBatches } from './message-batches.ts';
import { createClaimMessages, holdMessages } from './message-claims.ts';
import { recordHealth } from './webhook-health.ts';

type Completed = 'recorded' | 'disabled' | 'stale';

interface Completion {
  readonly item: CompleteAttempt;
  readonly message: QueuedMessage;
}

async function completeAttempts(sql: Sql, items: readonly CompleteAttempt[]): Promise<readonly Completed[]> {
  const queued = await lockQueued(sql, items);
  const completions = items.flatMap((item): readonly Completion[] => {
    const message = queued.get(keyOf(item));
    if (message?.claim_token !== item.claimToken) return [];
    // A second completion of the same claim is stale.
    queued.delete(keyOf(item));
    return [{ item, message }];
  });
  await insertAttempts(
    sql,
    completions.flatMap(({ item: { instanceId, messageId: id, attempt }, message }) => {
      const number = message.earlier_attempts + message.tries + 1;
      return attempt ? { instanceId, id, number, attempt, aboutErasedUser: message.user_erased } : [];
    }),
  );
  await settleMessages(
    sql,
    completions.map(({ item: { attempt, next }, message }) => ({
      ...{ message, attempted: attempt !== null, next: fateOf(message, next), batchId: null },
    })),
  );
  const disabling = await recordHealthOf(sql, completions);
  const recorded = new Set(completions.map(({ item }) => item));
  return items.map((item) => (disabling.has(item) ? 'disabled' : recorded.has(item) ? 'recorded' : 'stale'));
}

/** Answers the attempts that disabled their webhook. */
async function recordHealthOf(sql: Sql, completions: readonly Completion[]): Promise<ReadonlySet<CompleteAttempt>> {
  const ofWebhooks = completions.flatMap(({ item, message }) => {
    const webhookId = webhookIdOf(message.target);
    return item.attempt && webhookId !== null ? { item, webhookId } : [];
  });
  const disabled = await recordHealth(
    sql,
    ofWebhooks.map(({ item: { instanceId, next, disable = null }, webhookId }) => ({
      ...{ instanceId, webhookId, succeeded: next.kind === 'delivered', disable },
    })),
  );
  return new Set(ofWebhooks.filter((_, index) => disabled[index]).map(({ item }) => item));
}

export const createMessageCommands = (storeId: string): CommandHandlers<MessageCommands> => ({
  claimMessages: createClaimMessages(storeId),
  holdMessages,
  completeAttempts: batch(completeAttempts),
  completeBatches,
});

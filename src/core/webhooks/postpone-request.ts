import { uuidV7Time } from '../../protocol/ids.ts';
import { postponedMs } from '../claims/postponed-ms.ts';
import { whileUnavailable } from '../claims/while-unavailable.ts';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { MessageCommands } from '../ports/message-store.ts';
import type { ClaimedRequest } from './requests-by-target.ts';

export interface PostponeRequestDeps {
  readonly store: Pick<MessageCommands, 'completeAttempts' | 'completeBatches'>;
  readonly clock: Clock;
}

/** The messages of a request that only the operator can make possible wait longer and longer; none of their attempts is used up. */
export async function postponeRequest({ store, clock }: PostponeRequestDeps, messages: ClaimedRequest): Promise<void> {
  const [{ messageId }] = messages;
  await giveBackRequest(store, messages, postponedMs(uuidV7Time(messageId), clock()));
}

/** The messages of a request that is not sent: they are due again in `retryInMs`, and none of their attempts is used up. */
export async function giveBackRequest(
  store: PostponeRequestDeps['store'],
  messages: ClaimedRequest,
  retryInMs: number,
): Promise<void> {
  const [{ instanceId, webhookId, messageId, batchId, claimToken, attempts }] = messages;
  // Its receiver may have seen it: it stays together, under its id, and comes again when its lease is over.
  if (batchId !== null && attempts > 0) return;
  const next = { kind: 'retry', retryInMs } as const;
  await whileUnavailable<unknown>(() =>
    batchId === null || webhookId === null
      ? runOne(store.completeAttempts, { instanceId, messageId, claimToken, attempt: null, next })
      : runOne(store.completeBatches, {
          ...{ instanceId, webhookId, batchId, claimToken, sent: null },
          unsent: [{ messageIds: messages.map((message) => message.messageId), next }],
        }),
  );
}

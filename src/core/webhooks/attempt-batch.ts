import { uuidV7Time } from '../../protocol/ids.ts';
import { whileUnavailable } from '../claims/while-unavailable.ts';
import { runOne } from '../ports/command.ts';
import type { CompleteBatch, MessageCommands, MessageFate } from '../ports/message-store.ts';
import type { AttemptMessageDeps, OnAnswered } from './attempt-message.ts';
import { mayDisable, noteDisabled, recordOf, untilHeld } from './attempt-message.ts';
import { batchIdOf, buildBatch } from './build-batch.ts';
import { decideAttempt } from './decide-attempt.ts';
import type { ClaimedRequest } from './requests-by-target.ts';
import { hashRequest } from './shown-request.ts';
import { withPresentClaim } from './with-present-claim.ts';

export interface AttemptBatchDeps extends AttemptMessageDeps {
  readonly store: AttemptMessageDeps['store'] & Pick<MessageCommands, 'completeBatches'>;
}

/**
 * Sends a batch once, outside any transaction, and records what came back for all that was in it. `current` answers the
 * batch with its present claim, which may be renewed meanwhile. True when something of it waits for another attempt.
 */
export async function attemptBatch(
  deps: AttemptBatchDeps,
  current: () => ClaimedRequest,
  onAnswered: OnAnswered,
): Promise<boolean> {
  const batch = current();
  const [{ instanceId, webhookId, attempts, earlierAttempts }] = batch;
  if (webhookId === null) throw new Error('the messages of a batch have a webhook');
  const batchId = batchIdOf(batch);
  const webhook = await deps.instances.findWebhook(instanceId, webhookId);
  const complete = (completion: Pick<CompleteBatch, 'sent' | 'unsent'>) =>
    withPresentClaim(
      () => current()[0],
      ({ claimToken }) => {
        const recorded = { instanceId, webhookId, batchId, claimToken, ...completion };
        return whileUnavailable(() => runOne(deps.store.completeBatches, recorded));
      },
    );
  const describe = { instanceId, webhookId, batchId };
  if (!webhook || webhook.disabledAt !== null) {
    const next: MessageFate = webhook ? untilHeld : { kind: 'dropped', reason: 'webhook-deleted' };
    const messageIds = batch.map(({ messageId }) => messageId);
    await complete({ sent: null, unsent: [{ messageIds, next }] });
    const reason = webhook ? 'webhook-disabled' : 'webhook-deleted';
    deps.log.info('batch.not-sent', { ...describe, messages: messageIds.length, reason });
    return next.kind === 'retry';
  }
  const { request, messageIds, unsent } = await buildBatch(deps, webhook, batch);
  if (!request) {
    await complete({ sent: null, unsent });
    deps.log.info('batch.empty', { ...describe, messages: batch.length });
    return true;
  }
  const policy = deps.retryPolicies[webhook.options.retryPolicy];
  const startedAt = deps.clock();
  const outcome = await deps.http.post({ ...request, timeoutMs: policy.timeoutMs });
  const { next, disable, verdict, pauseMs } = decideAttempt({
    ...{ outcome, policy, chance: Math.random() },
    isWebhook: await mayDisable(deps, webhook, outcome),
    attempts: attempts + 1 - earlierAttempts,
  });
  onAnswered(verdict, pauseMs);
  const attempt = recordOf(outcome, startedAt, hashRequest(request));
  const recorded = await complete({ sent: { messageIds, attempt, next, disable }, unsent });
  const became = recorded === 'stale' ? 'lost' : next.kind;
  const { status, durationMs } = attempt;
  const now = deps.clock();
  const delaysMs = became === 'delivered' ? messageIds.map((id) => now - uuidV7Time(id)) : [];
  deps.metrics.webhookAttempted({ outcome: became, status, durationMs, delaysMs });
  deps.log.info(`batch.${became}`, {
    ...describe,
    messages: messageIds.length,
    attempt: attempts + 1,
    origin: request.url.origin,
    status,
    reason: attempt.error,
    durationMs,
  });
  if (recorded === 'disabled') noteDisabled(deps, { instanceId, webhookId }, disable);
  return next.kind === 'retry' || recorded === 'disabled' || unsent.length > 0;
}

import type { WebhookRetryPolicy } from '../../protocol/webhook-body.ts';
import { formatPublishId, uuidV7Time } from '../../protocol/ids.ts';
import { defaultWebhookOptions } from '../instances/webhook-options.ts';
import type { Webhook } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { HttpClient, HttpOutcome } from '../ports/http-client.ts';
import type { Log } from '../ports/log.ts';
import type {
  AttemptRecord,
  ClaimedMessage,
  CompleteAttempt,
  DisableWebhook,
  MessageCommands,
} from '../ports/message-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { BuildRequestDeps } from './build-request.ts';
import { buildRequest } from './build-request.ts';
import type { AttemptDecision } from './decide-attempt.ts';
import { decideAttempt } from './decide-attempt.ts';
import { hashRequest } from './shown-request.ts';
import type { RetryPolicy } from './retry-policies.ts';
import { withPresentClaim } from './with-present-claim.ts';

export interface AttemptMessageDeps extends BuildRequestDeps {
  readonly store: BuildRequestDeps['store'] & Pick<MessageCommands, 'completeAttempts'>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhookAttempted'>;
  readonly retryPolicies: Readonly<Record<WebhookRetryPolicy, RetryPolicy>>;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Hears what an attempt says about its target, before it is recorded: from here on nothing of it is in flight. */
export type OnAnswered = (sent: Pick<AttemptDecision, 'verdict' | 'pauseMs'>) => void;

/**
 * Sends a message once, outside any transaction, and records what came back. `current` answers the message with its
 * present claim, which may be renewed meanwhile. True when something waits after it: its next attempt, or the FINISHED
 * that its STARTED held back.
 */
export async function attemptMessage(
  deps: AttemptMessageDeps,
  current: () => ClaimedMessage,
  onAnswered: OnAnswered,
): Promise<boolean> {
  const message = current();
  const { instanceId, messageId } = message;
  const complete = (completion: Pick<CompleteAttempt, 'attempt' | 'next' | 'disable'>) =>
    withPresentClaim(
      () => current().claimToken,
      (claimToken) => runOne(deps.store.completeAttempts, { instanceId, messageId, claimToken, ...completion }),
    );
  const request = await buildRequest(deps, message);
  if (typeof request === 'string') {
    const next = request === 'webhook-disabled' ? untilHeld : ({ kind: 'dropped', reason: request } as const);
    await complete({ attempt: null, next, disable: null });
    deps.log.info('message.not-sent', { ...describe(message), reason: request });
    return next.kind === 'retry' || message.eventType === 'publish.started';
  }
  const webhook = await findWebhookOf(deps, message);
  const policy = deps.retryPolicies[(webhook ?? { options: defaultWebhookOptions }).options.retryPolicy];
  const startedAt = deps.clock();
  const outcome = await deps.http.post({ ...request, timeoutMs: policy.timeoutMs });
  const attempts = message.attempts + 1;
  const { next, disable, verdict, pauseMs } = decideAttempt({
    ...{ outcome, policy, chance: Math.random() },
    attempts: attempts - message.earlierAttempts,
    isWebhook: webhook !== null && (await mayDisable(deps, webhook, outcome)),
  });
  onAnswered({ verdict, pauseMs });
  const attempt = { startedAt, requestHash: hashRequest(request), ...recordOf(outcome) };
  const recorded = await complete({ attempt, next, disable });
  const became = recorded === 'stale' ? 'lost' : next.kind;
  const { status, durationMs } = attempt;
  const delaysMs = became === 'delivered' ? [deps.clock() - uuidV7Time(message.messageId)] : [];
  deps.metrics.webhookAttempted({ outcome: became, status, durationMs, delaysMs });
  deps.log.info(`message.${became}`, {
    ...describe(message),
    attempt: attempts,
    origin: request.url.origin,
    status,
    reason: attempt.error,
    durationMs,
  });
  if (recorded === 'disabled') noteDisabled(deps, message, disable);
  return next.kind === 'retry' || recorded === 'disabled' || message.eventType === 'publish.started';
}

/** The webhook was disabled with an attempt's commit. */
export function noteDisabled(
  deps: Pick<AttemptMessageDeps, 'forgetWebhook' | 'log'>,
  { instanceId, webhookId }: Pick<ClaimedMessage, 'instanceId' | 'webhookId'>,
  disable: DisableWebhook | null,
): void {
  if (webhookId !== null) deps.forgetWebhook(instanceId, webhookId);
  deps.log.warn('webhook.disabled', { instanceId, webhookId, reason: disable?.reason });
}

const findWebhookOf = async (
  { instances }: Pick<AttemptMessageDeps, 'instances'>,
  { instanceId, webhookId }: Pick<ClaimedMessage, 'instanceId' | 'webhookId'>,
): Promise<Webhook | null> => (webhookId === null ? null : instances.findWebhook(instanceId, webhookId));

/** What 410 says about a webhook that was changed meanwhile, it says about nobody. Never rejects: something was sent. */
export async function mayDisable(
  { instances }: Pick<AttemptMessageDeps, 'instances'>,
  { instanceId, id, url, disabledAt }: Webhook,
  outcome: HttpOutcome,
): Promise<boolean> {
  if (outcome.kind === 'error' || outcome.status !== 410) return true;
  const now = await instances.findWebhook(instanceId, id).catch(() => null);
  return now?.url === url && now.disabledAt === disabledAt;
}

/**
 * Of a disabled webhook. Only the store knows whether it still is: it puts aside what waits for one that is disabled, and
 * what waits for one that was enabled meanwhile is sent.
 */
export const untilHeld = { kind: 'retry', retryInMs: 1_000 } as const;

export function recordOf(outcome: HttpOutcome): Omit<AttemptRecord, 'startedAt' | 'requestHash'> {
  const { durationMs, address } = outcome;
  if (outcome.kind === 'error') {
    const error = `${outcome.reason}: ${outcome.message}`;
    return { durationMs, status: null, error, address, responseHeaders: null, responseBody: null };
  }
  const { status, headers: responseHeaders, body: responseBody } = outcome;
  return { durationMs, status, error: null, address, responseHeaders, responseBody };
}

const describe = (message: ClaimedMessage) => ({
  instanceId: message.instanceId,
  messageId: message.messageId,
  webhookId: message.webhookId,
  eventType: message.eventType,
  eventId: message.eventId,
  publishId: message.publishId && formatPublishId(message.publishId),
});

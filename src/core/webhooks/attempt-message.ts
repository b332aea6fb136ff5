import type { WebhookRetryPolicy } from '../../protocol/webhook-body.ts';
import { formatPublishId, uuidV7Time } from '../../protocol/ids.ts';
import { defaultWebhookOptions } from '../instances/webhook-options.ts';
import type { Webhook } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpClient, HttpOutcome } from '../ports/http-client.ts';
import type { Log } from '../ports/log.ts';
import type {
  AttemptRecord,
  ClaimedMessage,
  CompleteAttempt,
  DisableWebhook,
  DropReason,
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
  /** As the store's command for one, which is repeated while the store cannot take it. */
  readonly completeAttempt: (completion: CompleteAttempt) => Promise<'recorded' | 'disabled' | 'stale'>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'webhookAttempted'>;
  readonly retryPolicies: Readonly<Record<WebhookRetryPolicy, RetryPolicy>>;
  /** What was remembered of the webhook is out of date. */
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

/** Hears what an attempt says about its target, before it is recorded: from here on nothing of it is in flight. */
export type OnAnswered = (verdict: AttemptDecision['verdict'], pauseMs: number) => void;

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
  const built = await buildRequest(deps, message);
  if (typeof built === 'string') return recordUnsent(deps, current, built);
  const { url, origin, headers, body, webhook } = built;
  const policy = deps.retryPolicies[(webhook ?? defaultWebhook).options.retryPolicy];
  const startedAt = deps.clock();
  const outcome = await deps.http.post({ url, headers, body, timeoutMs: policy.timeoutMs });
  const attempts = message.attempts + 1;
  const { next, disable, verdict, pauseMs } = decideAttempt({
    outcome,
    policy,
    chance: Math.random(),
    attempts: attempts - message.earlierAttempts,
    isWebhook: webhook !== null && (!isGone(outcome) || (await mayDisable(deps, webhook, outcome))),
  });
  onAnswered(verdict, pauseMs);
  const attempt = recordOf(outcome, startedAt, hashRequest(built));
  const recorded = await complete(deps, current, { attempt, next, disable });
  tellAttempted(deps, message, { became: recorded === 'stale' ? 'lost' : next.kind, attempts, origin, attempt });
  if (recorded === 'disabled') noteDisabled(deps, message, disable);
  return next.kind === 'retry' || recorded === 'disabled' || message.eventType === 'publish.started';
}

const defaultWebhook = { options: defaultWebhookOptions };

type Completion = Pick<CompleteAttempt, 'attempt' | 'next' | 'disable'>;

const complete = (
  { completeAttempt }: Pick<AttemptMessageDeps, 'completeAttempt'>,
  current: () => ClaimedMessage,
  { attempt, next, disable = null }: Completion,
) =>
  withPresentClaim(current, ({ instanceId, messageId, claimToken }) =>
    completeAttempt({ instanceId, messageId, claimToken, attempt, next, disable }),
  );

/** There was no request to make of it. */
async function recordUnsent(
  deps: AttemptMessageDeps,
  current: () => ClaimedMessage,
  reason: DropReason | 'webhook-disabled',
): Promise<boolean> {
  const message = current();
  const next = reason === 'webhook-disabled' ? untilHeld : ({ kind: 'dropped', reason } as const);
  await complete(deps, current, { attempt: null, next });
  deps.log.info('message.not-sent', { ...describe(message), reason });
  return next.kind === 'retry' || message.eventType === 'publish.started';
}

interface Attempted {
  readonly became: AttemptDecision['next']['kind'] | 'lost';
  readonly attempts: number;
  readonly origin: string;
  readonly attempt: AttemptRecord;
}

function tellAttempted(
  { clock, metrics, log }: Pick<AttemptMessageDeps, 'clock' | 'metrics' | 'log'>,
  message: ClaimedMessage,
  { became, attempts, origin, attempt: { status, durationMs, error } }: Attempted,
): void {
  const delaysMs = became === 'delivered' ? [clock() - uuidV7Time(message.messageId)] : [];
  metrics.webhookAttempted({ outcome: became, status, durationMs, delaysMs });
  log.info(`message.${became}`, {
    ...describe(message),
    attempt: attempts,
    origin,
    status,
    reason: error,
    durationMs,
  });
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

const isGone = (outcome: HttpOutcome): boolean => outcome.kind === 'response' && outcome.status === 410;

/** What 410 says about a webhook that was changed meanwhile, it says about nobody. Never rejects: something was sent. */
export async function mayDisable(
  { instances }: Pick<AttemptMessageDeps, 'instances'>,
  { instanceId, id, url, disabledAt }: Webhook,
  outcome: HttpOutcome,
): Promise<boolean> {
  if (!isGone(outcome)) return true;
  const now = await instances.findWebhook(instanceId, id).catch(() => null);
  return now?.url === url && now.disabledAt === disabledAt;
}

/**
 * Of a disabled webhook. Only the store knows whether it still is: it puts aside what waits for one that is disabled, and
 * what waits for one that was enabled meanwhile is sent.
 */
export const untilHeld = { kind: 'retry', retryInMs: 1_000 } as const;

export function recordOf(outcome: HttpOutcome, startedAt: number, requestHash: string): AttemptRecord {
  const { durationMs, address } = outcome;
  if (outcome.kind === 'error') {
    const error = `${outcome.reason}: ${outcome.message}`;
    const unanswered = { status: null, error, address, responseHeaders: null, responseBody: null };
    return { startedAt, durationMs, ...unanswered, requestHash };
  }
  const { status, headers: responseHeaders, body: responseBody } = outcome;
  return { startedAt, durationMs, status, error: null, address, responseHeaders, responseBody, requestHash };
}

const describe = (message: ClaimedMessage) => ({
  instanceId: message.instanceId,
  messageId: message.messageId,
  webhookId: message.webhookId,
  eventType: message.eventType,
  eventId: message.eventId,
  publishId: message.publishId && formatPublishId(message.publishId),
});

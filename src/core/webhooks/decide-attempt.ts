import type { HttpOutcome } from '../ports/http-client.ts';
import type { CompleteAttempt, DisableWebhook } from '../ports/message-store.ts';
import type { RetryPolicy } from './retry-policies.ts';

export interface EndedAttempt {
  readonly outcome: HttpOutcome;
  /** Of the present schedule, this one included. */
  readonly attempts: number;
  readonly policy: RetryPolicy;
  /** False: the target is the `webhookUrl` of a publish, which nobody can disable. */
  readonly isWebhook: boolean;
  /** From 0 to 1, for the jitter. */
  readonly chance: number;
}

export interface AttemptDecision {
  /** What becomes of the message. */
  readonly next: Exclude<CompleteAttempt['next'], { readonly kind: 'dropped' }>;
  /** What the attempt says about its target. */
  readonly verdict: Verdict;
  /** The target wants to be left alone for so long. */
  readonly pauseMs: number;
  readonly disable: DisableWebhook | null;
}

/** `overloaded`: it failed, and should get less at once. */
export type Verdict = 'ok' | 'failed' | 'overloaded';

/** However long one message is told to wait, the others find out sooner whether the target is back. */
const maxPauseMs = 3_600_000;

/** The one place that decides what follows from an attempt. */
export function decideAttempt({ outcome, attempts, policy, isWebhook, chance }: EndedAttempt): AttemptDecision {
  const { status, retryAfterMs } = outcome.kind === 'response' ? outcome : { status: 0, retryAfterMs: null };
  if (status >= 200 && status <= 299) return { next: { kind: 'delivered' }, verdict: 'ok', pauseMs: 0, disable: null };
  // Standard Webhooks: "410 Gone … the sender should disable the endpoint".
  if (status === 410 && isWebhook) {
    const disable = { reason: 'gone-410', failingForMs: 0, failures: 0 } as const;
    return { next: { kind: 'held' }, verdict: 'failed', pauseMs: 0, disable };
  }
  const askedMs = Math.min(retryAfterMs ?? 0, policy.maxRetryAfterMs);
  return {
    next: nextAttempt(policy, attempts, outcome.durationMs, askedMs, chance),
    // Standard Webhooks: those say that there is too much to do.
    verdict: status === 429 || status === 502 || status === 504 ? 'overloaded' : 'failed',
    pauseMs: status === 429 || status === 503 ? Math.min(askedMs, maxPauseMs) : 0,
    disable: isWebhook
      ? { reason: 'failing', failingForMs: policy.disableAfter.ms, failures: policy.disableAfter.failures }
      : null,
  };
}

function nextAttempt(
  { delaysMs, jitter }: RetryPolicy,
  attempts: number,
  durationMs: number,
  askedMs: number,
  chance: number,
): AttemptDecision['next'] {
  const delayMs = delaysMs[attempts - 1];
  if (delayMs === undefined) return { kind: 'exhausted' };
  const scheduledMs = Math.round(delayMs * (1 + jitter * chance)) - durationMs;
  return { kind: 'retry', retryInMs: Math.max(0, scheduledMs, askedMs) };
}

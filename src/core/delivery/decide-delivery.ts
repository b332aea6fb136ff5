import type { DeliveryOutcome } from '../ports/gateway.ts';
import type { FinalOutcome } from '../ports/publish-store.ts';

/** What follows from an attempt to deliver. */
export type DeliveryDecision =
  | { readonly kind: FinalOutcome }
  | { readonly kind: 'deferred'; readonly retryInMs: number };

export interface DeliveryAttempt {
  readonly outcome: DeliveryOutcome;
  /** Including this one. */
  readonly attempts: number;
  readonly now: number;
  /** No attempt starts at or after this. */
  readonly giveUpAt: number;
  /** Between 0 and 1: spreads the retries of devices that failed together. */
  readonly jitter: number;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** The one place that decides what happens after an attempt: settled for good, or tried again, and when. */
export function decideDelivery(attempt: DeliveryAttempt): DeliveryDecision {
  const { outcome, attempts, now, giveUpAt, jitter } = attempt;
  const retry = (atLast: FinalOutcome): DeliveryDecision => {
    const asked = 'retryAfterMs' in outcome ? (outcome.retryAfterMs ?? 0) : 0;
    const backoffMs = Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs);
    const retryInMs = Math.round(Math.max(asked, backoffMs * (0.5 + jitter / 2)));
    return now + retryInMs < giveUpAt ? { kind: 'deferred', retryInMs } : { kind: atLast };
  };
  switch (outcome.kind) {
    case 'accepted':
    case 'gone':
    case 'rejected':
      return { kind: outcome.kind };
    case 'unauthorized':
      return outcome.retryAfterMs === null ? { kind: 'unauthorized' } : retry('unauthorized');
    case 'throttled':
    case 'failed':
      return retry('failed');
  }
}

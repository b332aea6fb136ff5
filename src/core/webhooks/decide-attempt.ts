import type { HttpOutcome } from '../ports/http-client.ts';

/** Beams: four retries, each delay counted from the attempt before (t = 10, 40, 160, 460 s). */
export const beamsRetryDelaysMs: readonly number[] = [10_000, 30_000, 120_000, 300_000];

/** Beams: success is a 2xx within 3 s. */
export const beamsTimeoutMs = 3_000;

export type AttemptDecision =
  | { readonly kind: 'delivered' | 'exhausted' }
  | { readonly kind: 'retry'; readonly retryInMs: number };

/** The one place that decides what follows from an attempt; `attempts` includes it. */
export function decideAttempt(
  outcome: HttpOutcome,
  attempts: number,
  retryDelaysMs: readonly number[],
): AttemptDecision {
  if (outcome.kind === 'response' && outcome.status >= 200 && outcome.status <= 299) return { kind: 'delivered' };
  const retryInMs = retryDelaysMs[attempts - 1];
  return retryInMs === undefined ? { kind: 'exhausted' } : { kind: 'retry', retryInMs };
}

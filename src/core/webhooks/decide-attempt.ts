import type { HttpOutcome } from '../ports/http-client.ts';

/** Beams: four retries, each delay counted from the attempt before (t = 10, 40, 160, 460 s). */
export const beamsRetryDelaysMs: readonly number[] = [10_000, 30_000, 120_000, 300_000];

/** Beams: success is a 2xx within 3 s. */
export const beamsTimeoutMs = 3_000;

export type AttemptDecision =
  | { readonly kind: 'delivered' | 'exhausted' }
  | { readonly kind: 'retry'; readonly retryInMs: number };

export interface EndedAttempt {
  readonly outcome: HttpOutcome;
  /** Including this one. */
  readonly attempts: number;
  readonly durationMs: number;
  /** From the start of an attempt to the start of the next one. */
  readonly retryDelaysMs: readonly number[];
}

/** The one place that decides what follows from an attempt. */
export function decideAttempt({ outcome, attempts, durationMs, retryDelaysMs }: EndedAttempt): AttemptDecision {
  if (outcome.kind === 'response' && outcome.status >= 200 && outcome.status <= 299) return { kind: 'delivered' };
  const delayMs = retryDelaysMs[attempts - 1];
  if (delayMs === undefined) return { kind: 'exhausted' };
  return { kind: 'retry', retryInMs: Math.max(0, delayMs - durationMs) };
}

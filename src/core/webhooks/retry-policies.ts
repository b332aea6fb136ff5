import type { WebhookRetryPolicy } from '../../protocol/webhook-body.ts';

/** When a message is tried again, and how long its target may fail. */
export interface RetryPolicy {
  /** From the start of an attempt to the start of the next one; after the last one the message is exhausted. */
  readonly delaysMs: readonly number[];
  /** Lengthens each delay by up to this share of it, at random: what failed together does not come back together. */
  readonly jitter: number;
  /** Of an attempt: name resolution, connecting, TLS and the response. */
  readonly timeoutMs: number;
  /** As much of a `Retry-After` as is honoured. */
  readonly maxRetryAfterMs: number;
  /** A webhook is disabled when for so long, and at least so many times, it did nothing but fail. */
  readonly disableAfter: { readonly ms: number; readonly failures: number };
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Not after two failures of a webhook that hears something once a week. */
const disableAfter = { ms: 5 * 24 * hour, failures: 20 };

export const retryPolicies: Readonly<Record<WebhookRetryPolicy, RetryPolicy>> = {
  /** Beams: success is a 2xx within 3 s; four retries, at 10, 40, 160 and 460 s. */
  beams: {
    delaysMs: [10 * second, 30 * second, 2 * minute, 5 * minute],
    jitter: 0,
    timeoutMs: 3 * second,
    maxRetryAfterMs: hour,
    disableAfter,
  },
  /** The schedule that Standard Webhooks gives as its example (spec, "Retry schedule"): a bit more than three days. */
  standard: {
    delaysMs: [
      ...[5 * second, 5 * minute, 30 * minute],
      ...[2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour],
    ],
    jitter: 0.1,
    timeoutMs: 15 * second,
    maxRetryAfterMs: 24 * hour,
    disableAfter,
  },
};

/** The longest that an attempt may last. */
export const maxAttemptMs = Math.max(...Object.values(retryPolicies).map(({ timeoutMs }) => timeoutMs));

import { expect, test } from 'vitest';
import type { DeliveryOutcome } from '../ports/gateway.ts';
import { decideDelivery } from './decide-delivery.ts';

const decide = (outcome: DeliveryOutcome, changes: Partial<Parameters<typeof decideDelivery>[0]> = {}) =>
  decideDelivery({ outcome, attempts: 1, now: 1_000_000, giveUpAt: 1_600_000, jitter: 1, ...changes });
const failed: DeliveryOutcome = { kind: 'failed', reason: 'connection reset', retryAfterMs: null };

test.each([[{ kind: 'accepted' }], [{ kind: 'gone', reason: '410' }], [{ kind: 'rejected', reason: '403' }]] as const)(
  '%o is settled at once',
  (outcome) => {
    expect(decide(outcome)).toEqual({ kind: outcome.kind });
  },
);

test('a failure is tried again, later each time, up to a minute', () => {
  const delays = [1, 2, 3, 4, 7, 20].map((attempts) => decide(failed, { attempts }));
  expect(delays.map((delay) => delay.kind === 'deferred' && delay.retryInMs)).toEqual([
    1_000, 2_000, 4_000, 8_000, 60_000, 60_000,
  ]);
});

test('jitter at most halves the delay', () => {
  expect(decide(failed, { jitter: 0 })).toEqual({ kind: 'deferred', retryInMs: 500 });
});

test('Retry-After is obeyed when it is longer than the back-off', () => {
  const throttled: DeliveryOutcome = { kind: 'throttled', reason: '429', retryAfterMs: 90_000 };
  expect(decide(throttled)).toEqual({ kind: 'deferred', retryInMs: 90_000 });
  expect(decide({ ...throttled, retryAfterMs: 10 })).toEqual({ kind: 'deferred', retryInMs: 1_000 });
});

test('a retry that would come too late is a failure now', () => {
  expect(decide(failed, { giveUpAt: 1_001_001 })).toEqual({ kind: 'deferred', retryInMs: 1_000 });
  expect(decide(failed, { giveUpAt: 1_001_000 })).toEqual({ kind: 'failed' });
  expect(decide({ kind: 'throttled', reason: '429', retryAfterMs: 600_000 })).toEqual({ kind: 'failed' });
});

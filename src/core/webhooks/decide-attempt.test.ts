import { expect, test } from 'vitest';
import type { HttpOutcome } from '../ports/http-client.ts';
import { beamsRetryDelaysMs, decideAttempt } from './decide-attempt.ts';

const response = (status: number): HttpOutcome => ({
  ...{ kind: 'response', status, retryAfterMs: null, headers: {}, body: '' },
  ...{ address: '192.0.2.1', durationMs: 0 },
});
const decide = (outcome: HttpOutcome, attempts = 1, durationMs = 0) =>
  decideAttempt({ outcome, attempts, durationMs, retryDelaysMs: beamsRetryDelaysMs });

test.each([200, 201, 204, 299])('%i is success', (status) => {
  expect(decide(response(status))).toEqual({ kind: 'delivered' });
});

test.each([199, 300, 301, 400, 404, 410, 429, 500, 503])('%i is tried again', (status) => {
  expect(decide(response(status))).toEqual({ kind: 'retry', retryInMs: 10_000 });
});

test('an attempt that took long brings the next one no later', () => {
  expect(decide(response(500), 1, 2_900)).toEqual({ kind: 'retry', retryInMs: 7_100 });
  expect(decide(response(500), 1, 60_000)).toEqual({ kind: 'retry', retryInMs: 0 });
});

test('attempts stand at 0, 10, 40, 160 and 460 seconds, then the message is exhausted', () => {
  const error: HttpOutcome = {
    ...{ kind: 'error', reason: 'timeout', message: 'no answer in 3000 ms' },
    ...{ address: null, durationMs: 3_000 },
  };
  let at = 0;
  const times = [1, 2, 3, 4].map((attempts) => {
    const next = decide(error, attempts);
    return (at += next.kind === 'retry' ? next.retryInMs : Number.NaN);
  });
  expect(times).toEqual([10_000, 40_000, 160_000, 460_000]);
  expect(decide(error, 5)).toEqual({ kind: 'exhausted' });
});

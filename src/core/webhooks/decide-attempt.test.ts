import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HttpOutcome } from '../ports/http-client.ts';
import type { EndedAttempt } from './decide-attempt.ts';
import { decideAttempt } from './decide-attempt.ts';
import { retryPolicies } from './retry-policies.ts';

const hourMs = 3_600_000;
const response = (status: number, change: { retryAfterMs?: number; durationMs?: number } = {}): HttpOutcome => ({
  ...{ kind: 'response', status, retryAfterMs: null, headers: {}, body: '' },
  ...{ address: '192.0.2.1', durationMs: 0 },
  ...change,
});
const timeout: HttpOutcome = {
  ...{ kind: 'error', reason: 'timeout', message: 'no response in time' },
  ...{ address: null, durationMs: 3_000 },
};
const decide = (outcome: HttpOutcome, change: Partial<EndedAttempt> = {}) =>
  decideAttempt({ outcome, attempts: 1, policy: retryPolicies.beams, isWebhook: true, chance: 0, ...change });

test.each([200, 201, 204, 299])('%i is success', (status) => {
  expect(decide(response(status))).toEqual({ next: { kind: 'delivered' }, verdict: 'ok', pauseMs: 0, disable: null });
});

test.each([199, 300, 301, 400, 404, 429, 500, 503])('%i is tried again', (status) => {
  expect(decide(response(status)).next).toEqual({ kind: 'retry', retryInMs: 10_000 });
});

test('410 disables a webhook at once, and its message is held; the webhookUrl of a publish is tried again', () => {
  expect(decide(response(410))).toMatchObject({
    next: { kind: 'held' },
    disable: { reason: 'gone-410', failingForMs: 0, failures: 0 },
  });
  expect(decide(response(410), { isWebhook: false })).toMatchObject({ next: { kind: 'retry' }, disable: null });
});

test('any other failure disables a webhook that has done nothing but fail for five days', () => {
  const disable = { reason: 'failing', failingForMs: 5 * 24 * hourMs, failures: 20 };
  expect([decide(timeout).disable, decide(response(500), { attempts: 5 }).disable]).toEqual([disable, disable]);
});

test('429, 502 and 504 slow the target down, other failures do not', () => {
  const verdicts = [429, 502, 504, 500, 503, 404, 301].map((status) => decide(response(status)).verdict);
  expect(verdicts).toEqual([...Array(3).fill('overloaded'), ...Array(4).fill('failed')]);
});

test('Retry-After moves the message, within the bounds of its policy, and never brings it forward', () => {
  const retryIn = (retryAfterMs: number, policy: 'beams' | 'standard') =>
    decide(response(400, { retryAfterMs }), { policy: retryPolicies[policy] }).next;
  expect(retryIn(60_000, 'beams')).toEqual({ kind: 'retry', retryInMs: 60_000 });
  expect(retryIn(1_000, 'beams')).toEqual({ kind: 'retry', retryInMs: 10_000 });
  expect(retryIn(1_000 * hourMs, 'beams')).toEqual({ kind: 'retry', retryInMs: hourMs });
  expect(retryIn(1_000 * hourMs, 'standard')).toEqual({ kind: 'retry', retryInMs: 24 * hourMs });
});

test('Retry-After of 429 and 503 is a wish of the target, which holds for its other messages for an hour at most', () => {
  const pauses = [429, 503, 500, 400].map((status) => decide(response(status, { retryAfterMs: 90_000 })).pauseMs);
  expect(pauses).toEqual([90_000, 90_000, 0, 0]);
  const standard = { policy: retryPolicies.standard };
  expect(decide(response(429, { retryAfterMs: 9 * hourMs }), standard).pauseMs).toBe(hourMs);
});

test('an attempt that took long brings the next one no later', () => {
  expect(decide(response(500, { durationMs: 2_900 })).next).toEqual({ kind: 'retry', retryInMs: 7_100 });
  expect(decide(response(500, { durationMs: 60_000 })).next).toEqual({ kind: 'retry', retryInMs: 0 });
});

test('attempts stand at 0, 10, 40, 160 and 460 seconds, then the message is exhausted', () => {
  expect(timesOf('beams', 0)).toEqual([10_000, 40_000, 160_000, 460_000]);
  expect(decide(response(500), { attempts: 5 }).next).toEqual({ kind: 'exhausted' });
});

test('the standard policy goes from 5 s to 24 h over a bit more than three days', () => {
  const times = timesOf('standard', 0);
  expect(times[0]).toBe(5_000);
  expect(times.at(-1)).toBe(75 * hourMs + 35 * 60_000 + 5_000);
  expect(times).toHaveLength(9);
});

test('jitter lengthens the delays of the standard policy by a tenth at most', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
      const [least, most] = [timesOf('standard', 0), timesOf('standard', 1)];
      for (const [index, time] of timesOf('standard', chance).entries()) {
        expect(time).toBeGreaterThanOrEqual(least[index] ?? 0);
        expect(time).toBeLessThanOrEqual(most[index] ?? 0);
      }
      expect(timesOf('beams', chance)).toEqual(timesOf('beams', 0));
    }),
  );
});

/** When the second attempt and those after it are made, if each fails at once. */
function timesOf(policyName: 'beams' | 'standard', chance: number): number[] {
  const policy = retryPolicies[policyName];
  let at = 0;
  return policy.delaysMs.map((_, index) => {
    const { next } = decide(response(500), { attempts: index + 1, policy, chance });
    return (at += next.kind === 'retry' ? next.retryInMs : Number.NaN);
  });
}

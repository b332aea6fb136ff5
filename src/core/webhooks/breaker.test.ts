import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Breaker } from './breaker.ts';
import {
  afterRequest,
  breakerPausesMs,
  breakerRoom,
  breakerState,
  freshBreaker,
  isFresh,
  isStruggling,
} from './breaker.ts';

const request = (endedAt: number, failed: boolean, startedAt = endedAt) => ({
  ...{ startedAt, endedAt, failed },
  ...{ pausesMs: breakerPausesMs, chance: 0 },
});

/** One attempt each 100 ms; answers the breaker after the last one. */
const attempts = (outcomes: readonly boolean[], from = 0, breaker: Breaker = freshBreaker): Breaker =>
  outcomes.reduce((next, failed, index) => afterRequest(next, request(from + index * 100, failed)), breaker);

const failures = (count: number) => Array<boolean>(count).fill(true);
const successes = (count: number) => Array<boolean>(count).fill(false);

test('opens on ten attempts of which nine failed, and not before', () => {
  expect(attempts(failures(9)).kind).toBe('closed');
  expect(attempts(failures(10)).kind).toBe('open');
  expect(attempts([...successes(1), ...failures(9)]).kind).toBe('open');
  expect(attempts([...successes(2), ...failures(17)]).kind).toBe('closed');
  expect(attempts([...successes(20), ...failures(170)]).kind).toBe('closed');
});

test('struggles from ten attempts on of which half failed', () => {
  expect(isStruggling(attempts(failures(9)), 1_000)).toBe(false);
  const half = attempts([...successes(5), ...failures(5)]);
  expect([half.kind, isStruggling(half, 1_000), isStruggling(half, 70_000)]).toEqual(['closed', true, false]);
  expect(isStruggling(attempts([...successes(6), ...failures(5)]), 1_100)).toBe(false);
});

test('attempts of more than a minute ago do not count', () => {
  const nine = attempts(failures(9));
  expect(afterRequest(nine, request(59_000, true)).kind).toBe('open');
  expect(afterRequest(nine, request(61_000, true)).kind).toBe('closed');
});

test('the five attempts of one message open nothing', () => {
  const times = [0, 10_000, 40_000, 160_000, 460_000];
  const breaker = times.reduce<Breaker>((next, at) => afterRequest(next, request(at, true)), freshBreaker);
  expect(breaker.kind).toBe('closed');
});

test('open lets nothing through, half-open one at a time, and a success closes it', () => {
  const open = attempts(failures(10), 0);
  expect([breakerState(open, 1_000), breakerRoom(open, 1_000, 0)]).toEqual(['open', 0]);
  expect([breakerState(open, 6_000), breakerRoom(open, 6_000, 0)]).toEqual(['half-open', 1]);
  expect(breakerRoom(open, 6_000, 1)).toBe(0);
  const closed = afterRequest(open, request(6_100, false, 6_000));
  expect([breakerState(closed, 6_100), breakerRoom(closed, 6_100, 50)]).toEqual(['closed', Infinity]);
  // It begins to count anew.
  expect(attempts(failures(9), 6_200, closed).kind).toBe('closed');
});

test('what was sent before it opened neither closes it nor lengthens its pause', () => {
  const open = attempts(failures(10));
  expect(afterRequest(open, request(5_950, false, 100))).toBe(open);
  expect(afterRequest(open, request(8_000, true, 100))).toBe(open);
  // Nor does it count against a breaker that has closed again.
  const closed = afterRequest(open, request(6_100, false, 6_000));
  expect(afterRequest(closed, request(6_200, true, 100))).toBe(closed);
});

test('pauses grow up to the longest, also over short recoveries; a long one is forgiven', () => {
  let now = 0;
  let breaker = attempts(failures(10));
  const pauses = Array.from({ length: 9 }, () => {
    if (breaker.kind !== 'open') throw new Error('it is closed');
    const pause = breaker.until - breaker.since;
    now = breaker.until;
    breaker = afterRequest(breaker, request(now, true));
    return pause;
  });
  expect(pauses).toEqual([...breakerPausesMs, 300_000, 300_000]);
  now += 300_000;
  breaker = afterRequest(breaker, request(now, false));
  const again = attempts(failures(10), now, breaker);
  expect(again).toMatchObject({ kind: 'open', openings: 11 });
  const later = attempts(failures(10), now + 300_000, breaker);
  expect(later).toMatchObject({ kind: 'open', openings: 1 });
  expect([isFresh(breaker, now), isFresh(breaker, now + 300_000)]).toEqual([false, true]);
});

test('whatever happens: it opens only on enough failures, and never keeps more than a minute of slots', () => {
  const attempt = fc.record({
    gapMs: fc.integer({ min: 0, max: 20_000 }),
    failed: fc.boolean(),
    chance: fc.double(unit),
  });
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 200 }), (history) => {
      let now = 0;
      let breaker: Breaker = freshBreaker;
      const ended: { readonly at: number; readonly failed: boolean }[] = [];
      for (const { gapMs, failed, chance } of history) {
        now += gapMs;
        // Only what the breaker lets through is sent.
        if (breakerRoom(breaker, now, 0) === 0) continue;
        const before = breaker;
        breaker = afterRequest(breaker, { ...request(now, failed), chance });
        ended.push({ at: now, failed });
        const recent = ended.filter(({ at }) => now - at <= 65_000);
        const failures = recent.filter((one) => one.failed).length;
        const wasRight = {
          bounded: breaker.kind === 'closed' ? breaker.slots.length <= 13 : breaker.until - breaker.since <= 330_000,
          openedByMany: before.kind !== 'closed' || breaker.kind !== 'open' || (recent.length >= 10 && failures >= 9),
          closedBySuccess: before.kind !== 'open' || failed || breaker.kind === 'closed',
        };
        expect(wasRight).toEqual({ bounded: true, openedByMany: true, closedBySuccess: true });
      }
    }),
  );
});

const unit = { min: 0, max: 1, noNaN: true };

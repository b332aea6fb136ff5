import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimiter } from './rate-limiter.ts';

test('a burst, then the rate; keys do not disturb each other', () => {
  let now = 0;
  const limiter = new RateLimiter({ perSecond: 10, burst: 3, maxKeys: 10, now: () => now });
  expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([null, null, null]);
  expect(limiter.take('a')).toBeCloseTo(100);
  expect(limiter.take('b')).toBeNull();
  now = 100;
  expect(limiter.take('a')).toBeNull();
  expect(limiter.take('a')).toBeCloseTo(100);
  now = 10_000;
  expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([null, null, null]);
  expect(limiter.take('a')).not.toBeNull();
});

test('whatever comes when, no span lets more through than burst and rate allow', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (gaps) => {
      let now = 0;
      const limiter = new RateLimiter({ perSecond: 10, burst: 5, maxKeys: 10, now: () => now });
      const taken: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (limiter.take('key') === null) taken.push(now);
      }
      const spans = taken.flatMap((start, from) =>
        taken.slice(from).map((end, others) => ({ taken: others + 1, allowed: 5 + (end - start) / 100 + 1e-6 })),
      );
      expect(spans.filter((span) => span.taken > span.allowed)).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test('the time it names is enough', () => {
  let now = 0;
  const limiter = new RateLimiter({ perSecond: 3, burst: 1, maxKeys: 10, now: () => now });
  limiter.take('a');
  now += limiter.take('a') ?? 0;
  expect(limiter.take('a')).toBeNull();
});

test('remembers so many keys; the one not seen for longest starts anew', () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 2, now: () => 0 });
  for (const key of ['a', 'b']) expect(limiter.take(key)).toBeNull();
  expect(limiter.take('a')).not.toBeNull();
  expect(limiter.take('c')).toBeNull();
  expect(limiter.take('b')).not.toBeNull();
  expect(limiter.take('a')).toBeNull();
});

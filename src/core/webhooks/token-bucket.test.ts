import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fullBucket, refill, take, untilWorthwhile } from './token-bucket.ts';

test('no stretch of time sees more than its share and the burst', () => {
  const rates = fc.double({ min: 0.1, max: 1_000, noNaN: true });
  const gaps = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(rates, gaps, (perSecond, gapsMs) => {
      let now = 0;
      let bucket = fullBucket(perSecond, now);
      let taken = 0;
      for (const gapMs of gapsMs) {
        bucket = refill(bucket, perSecond, (now += gapMs));
        const tokens = Math.floor(bucket.tokens);
        bucket = take(bucket, tokens);
        taken += tokens;
        expect(taken).toBeLessThanOrEqual(Math.max(1, perSecond / 10) + (perSecond * now) / 1_000 + 1e-6);
      }
    }),
  );
});

test('it tells when there will be something to take', () => {
  const rates = fc.double({ min: 0.01, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(rates, (perSecond) => {
      const empty = take(fullBucket(perSecond, 0), Math.floor(fullBucket(perSecond, 0).tokens));
      const waitMs = untilWorthwhile(empty, perSecond);
      expect(Math.floor(refill(empty, perSecond, waitMs + 1).tokens)).toBeGreaterThanOrEqual(1);
      expect(waitMs).toBeLessThanOrEqual(Math.ceil(1_000 / Math.min(perSecond, 20)) + 1);
    }),
  );
});

test('a clock that stands still gives nothing', () => {
  const bucket = take(fullBucket(10, 5_000), 1);
  expect(refill(bucket, 10, 5_000).tokens).toBe(0);
  expect(untilWorthwhile(bucket, 10)).toBe(100);
});

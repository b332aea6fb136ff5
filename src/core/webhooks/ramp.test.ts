import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ramp } from './ramp.ts';
import { afterOverload, afterSuccess, cautiousRamp, freshRamp } from './ramp.ts';

/** All that is allowed is sent, and succeeds. */
const round = (ramp: Ramp, maxInFlight = 64): Ramp =>
  Array.from({ length: Math.floor(ramp.allowed) }).reduce<Ramp>((next) => afterSuccess(next, maxInFlight), ramp);

test('1, 2, 4 … up to the limit, as successes come', () => {
  const allowed = [cautiousRamp.allowed];
  for (let ramp = round(cautiousRamp); allowed.at(-1) !== ramp.allowed; ramp = round(ramp)) allowed.push(ramp.allowed);
  expect(allowed).toEqual([1, 2, 4, 8, 16, 32, 64]);
});

test('an overloaded target gets half of what it had, then one more a round', () => {
  const slowed = afterOverload({ ...freshRamp, allowed: 64 }, { startedAt: 0, endedAt: 10, inFlight: 40 });
  expect(slowed.allowed).toBe(20);
  // Those that were in flight with it tell nothing new, those sent afterwards do.
  expect(afterOverload(slowed, { startedAt: 5, endedAt: 20, inFlight: 30 })).toBe(slowed);
  expect(afterOverload(slowed, { startedAt: 11, endedAt: 20, inFlight: 20 }).allowed).toBe(10);
  expect(Math.round(round(slowed).allowed)).toBe(21);
});

test('whatever happens, it is at least 1 and at most the limit', () => {
  const step = fc.oneof(fc.constant('success' as const), fc.record({ inFlight: fc.integer({ min: 1, max: 1_000 }) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(step, { maxLength: 300 }), (maxInFlight, steps) => {
      steps.reduce<Ramp>((ramp, what, at) => {
        const next =
          what === 'success'
            ? afterSuccess(ramp, maxInFlight)
            : afterOverload(ramp, { startedAt: at, endedAt: at, inFlight: what.inFlight });
        expect(next.allowed).toBeGreaterThanOrEqual(1);
        expect(next.allowed).toBeLessThanOrEqual(Math.max(maxInFlight, freshRamp.allowed));
        return next;
      }, freshRamp);
    }),
  );
});

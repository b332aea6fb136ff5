import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breakerPausesMs } from './breaker.ts';
import type { Verdict } from './decide-attempt.ts';
import type { TargetLimits } from './target-state.ts';
import type { Offer } from './target-states.ts';
import { createTargetStates } from './target-states.ts';

const target = { instanceId: 'i', target: 'w' };
const limits: TargetLimits = { maxInFlight: 64, maxPerSecond: null };
const attempt = (verdict: Verdict, now: number, pauseMs = 0) => ({
  ...{ startedAt: now, endedAt: now, verdict, pauseMs },
  ...{ breakerPausesMs, chance: 0 },
});

function world(maxUnproven = 512) {
  let time = 1_000_000;
  const states = createTargetStates({ now: () => time, maxUnproven });
  const offerTo = (name: string, change: Partial<TargetLimits> = {}): Offer => {
    const [offer] = states.offer([{ target: { ...target, target: name }, limits: { ...limits, ...change } }]);
    if (!offer) throw new Error('no offer');
    return offer;
  };
  /** Claims all that is offered, and ends it at once. */
  const round = (verdict: Verdict, change: Partial<TargetLimits> = {}): number => {
    const offer = offerTo('w', change);
    states.claimed(offer, offer.room);
    for (let request = 0; request < offer.room; request += 1) states.ended(offer, attempt(verdict, time));
    return offer.room;
  };
  return { states, offerTo, round, now: () => time, pass: (ms: number) => (time += ms) };
}

test('a target gets more with every success, up to its limit', () => {
  const { round } = world();
  expect(Array.from({ length: 6 }, () => round('ok'))).toEqual([4, 8, 16, 32, 64, 64]);
  const small = world();
  expect([small.round('ok', { maxInFlight: 3 }), small.round('ok', { maxInFlight: 3 })]).toEqual([3, 3]);
});

test('one that fails is held, is asked one at a time when its pause is over, and ramps when it is back', () => {
  const { states, round, offerTo, pass } = world();
  round('ok');
  while (round('failed') > 0) pass(10);
  expect(states.status(target, 5_000)).toMatchObject({ breaker: 'open', probeAt: expect.any(Number), inFlight: 0 });
  expect(states.countHeldUp()).toEqual({ open: 1, 'half-open': 0, slowed: 0 });
  const held = offerTo('w');
  expect(held).toMatchObject({ room: 0, waitsForPlace: false });
  pass(held.restMs);
  const probe = offerTo('w');
  expect(probe.room).toBe(1);
  states.claimed(probe, 1);
  expect(offerTo('w').room).toBe(0);
  states.ended(probe, attempt('ok', pass(10)));
  expect([round('ok'), round('ok'), round('ok')]).toEqual([2, 4, 8]);
});

test('one that is overloaded gets half, and nothing while it asks to be left alone', () => {
  const { states, round, offerTo, now, pass } = world();
  for (let count = 0; count < 5; count += 1) round('ok');
  const offer = offerTo('w');
  states.claimed(offer, 40);
  states.ended(offer, attempt('overloaded', now(), 30_000));
  expect(offerTo('w')).toMatchObject({ room: 0, restMs: 30_000 });
  expect(states.countHeldUp()).toMatchObject({ slowed: 1 });
  for (let request = 1; request < 40; request += 1) states.ended(offer, attempt('ok', pass(1)));
  pass(30_000);
  expect(offerTo('w').room).toBeGreaterThanOrEqual(20);
  expect(offerTo('w').room).toBeLessThan(23);
});

test('a rate holds over any length of time', () => {
  const { round, pass } = world();
  let sent = 0;
  for (let tick = 0; tick < 1_000; tick += 1) {
    sent += round('ok', { maxPerSecond: 20 });
    pass(10);
  }
  expect(sent).toBeGreaterThanOrEqual(190);
  expect(sent).toBeLessThanOrEqual(202);
});

test('those that were not seen to succeed share some of the places, the others have the rest', () => {
  const { states, offerTo, now } = world(6);
  const first = offerTo('dead-1');
  states.claimed(first, first.room);
  const second = offerTo('dead-2');
  expect([first.room, second.room]).toEqual([4, 2]);
  states.claimed(second, second.room);
  expect(offerTo('dead-3')).toMatchObject({ room: 0, waitsForPlace: false });
  // One of them turns out to be well.
  states.ended(first, attempt('ok', now()));
  expect(offerTo('dead-1').room).toBe(2);
  expect(offerTo('dead-3').room).toBe(1);
});

test('one whose places were all taken is named again when it has one; others wait for their turn', () => {
  const { states, offerTo, now } = world();
  const offer = offerTo('w');
  states.claimed(offer, 4);
  expect(states.inTurn([])).toEqual([]);
  expect(states.ended(offer, attempt('ok', now()))).toBe(true);
  expect(states.inTurn([])).toEqual([target]);
  states.claimed(offerTo('w'), 0);
  expect(states.ended(offer, attempt('ok', now()))).toBe(false);
  expect(states.inTurn([])).toEqual([]);
});

test('a place that becomes free while a claim is under way is not forgotten', () => {
  const { states, offerTo, now } = world();
  const offer = offerTo('w');
  states.claimed(offer, 4);
  const nothing = offerTo('w');
  expect(nothing.room).toBe(0);
  for (let request = 0; request < 4; request += 1) states.ended(offer, attempt('ok', now()));
  expect(states.claimed(nothing, 0)).toBe(true);
  expect(states.inTurn([])).toEqual([target]);
});

test('who got something least recently comes first', () => {
  const { states, offerTo, now, pass } = world();
  for (const name of ['a', 'b']) {
    const offer = offerTo(name);
    states.claimed(offer, 1);
    states.ended(offer, attempt('ok', now()));
    pass(1);
  }
  const turns = ['b', 'a', 'c'].map((name) => ({ ...target, target: name }));
  expect(states.inTurn(turns).map((turn) => turn.target)).toEqual(['c', 'a', 'b']);
});

test('a changed webhook is forgiven', () => {
  const { states, round, offerTo, pass } = world();
  while (round('failed') > 0) pass(10);
  states.forgive(target);
  expect(offerTo('w').room).toBe(4);
  expect(states.inTurn([])).toEqual([target]);
});

test('what is well, or was not heard of for long, is forgotten; what is ill is not', () => {
  const { states, round, pass } = world();
  round('ok');
  pass(10_000);
  states.inTurn([]);
  expect(states.status(target, 0)).toBeNull();
  while (round('failed') > 0) pass(10);
  pass(10_000);
  states.inTurn([]);
  expect(states.status(target, 0)).not.toBeNull();
  pass(600_000);
  states.inTurn([]);
  expect(states.status(target, 0)).toBeNull();
});

test('whatever comes back: never more in flight than allowed, and nothing is left over at the end', () => {
  const step = fc.record({
    take: fc.double({ min: 0, max: 1, noNaN: true }),
    end: fc.integer({ min: 0, max: 20 }),
    verdict: fc.constantFrom<Verdict>('ok', 'failed', 'overloaded'),
    pauseMs: fc.constantFrom(0, 0, 0, 5_000),
    gapMs: fc.integer({ min: 0, max: 3_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 100 }), (steps, maxInFlight) => {
      const { states, offerTo, now, pass } = world();
      const inFlight: { readonly offer: Offer; readonly startedAt: number }[] = [];
      const end = (verdict: Verdict | null, pauseMs: number): void => {
        const request = inFlight.shift();
        if (!request) return;
        const result = verdict && { ...attempt(verdict, now(), pauseMs), startedAt: request.startedAt };
        states.ended(request.offer, result);
      };
      for (const { take, end: count, verdict, pauseMs, gapMs } of steps) {
        const offer = offerTo('w', { maxInFlight });
        expect(offer.room + inFlight.length).toBeLessThanOrEqual(Math.max(maxInFlight, inFlight.length));
        const requests = Math.floor(take * offer.room);
        states.claimed(offer, requests);
        for (let request = 0; request < requests; request += 1) inFlight.push({ offer, startedAt: now() });
        pass(gapMs);
        for (let request = 0; request < count; request += 1) end(verdict, pauseMs);
      }
      while (inFlight.length > 0) end(null, 0);
      expect(states.status(target, 0)?.inFlight ?? 0).toBe(0);
      pass(700_000);
      states.inTurn([]);
      expect(states.status(target, 0)).toBeNull();
    }),
  );
});

test('a place of the unproven that becomes free goes to the one that found none first, at once', () => {
  const { states, offerTo, now } = world(2);
  const first = offerTo('first', { maxInFlight: 2 });
  states.claimed(first, 2);
  for (const name of ['second', 'third']) {
    const none = offerTo(name);
    expect(none.room).toBe(0);
    states.claimed(none, 0);
  }
  const haveAPlace = () => states.inTurn([]).flatMap((turn) => (turn.target === 'first' ? [] : [turn.target]));
  expect(haveAPlace()).toEqual([]);
  expect(states.ended(first, attempt('failed', now()))).toBe(true);
  expect(haveAPlace()).toEqual(['second']);
  expect(states.ended(first, attempt('failed', now()))).toBe(true);
  expect(haveAPlace()).toEqual(['second', 'third']);
});

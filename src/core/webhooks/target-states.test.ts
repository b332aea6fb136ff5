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
  const states = createTargetStates({ now: () => time, maxUnproven, maxAhead: 256 });
  const offerTo = (name: string, change: Partial<TargetLimits> = {}, instanceId = 'i'): Offer => {
    const [offer] = states.offer([{ target: { instanceId, target: name }, limits: { ...limits, ...change } }]);
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
  expect(held).toMatchObject({ room: 0, waitsForPlace: false, restsFromAll: true });
  pass(held.restMs);
  const probe = offerTo('w');
  expect(probe.room).toBe(1);
  states.claimed(probe, 1);
  expect(offerTo('w').room).toBe(0);
  states.ended(probe, attempt('ok', pass(10)));
  expect([round('ok'), round('ok'), round('ok')]).toEqual([2, 4, 8]);
});

test('one that takes a quarter of what it gets goes on getting it, a little at a time', () => {
  const { states, offerTo, round, pass } = world();
  for (let count = 0; count < 5; count += 1) round('ok');
  let taken = 0;
  for (let request = 0; request < 2_000; request += 1) {
    const offer = offerTo('w');
    expect(offer.room).toBeGreaterThan(0);
    states.claimed(offer, 1);
    states.ended(offer, attempt(request % 4 === 0 ? 'ok' : 'failed', pass(50)));
    if (request % 4 === 0) taken += 1;
  }
  expect(taken).toBe(500);
  expect(offerTo('w').room).toBeLessThanOrEqual(2);
  expect(states.countHeldUp()).toEqual({ open: 0, 'half-open': 0, slowed: 1 });
  for (let count = 0; count < 10; count += 1) {
    round('ok');
    pass(10_000);
  }
  expect(offerTo('w').room).toBeGreaterThan(5);
});

test('one that is overloaded gets half, and nothing while it asks to be left alone', () => {
  const { states, round, offerTo, now, pass } = world();
  for (let count = 0; count < 5; count += 1) round('ok');
  const offer = offerTo('w');
  states.claimed(offer, 40);
  states.ended(offer, attempt('overloaded', now(), 30_000));
  expect(offerTo('w')).toMatchObject({ room: 0, restMs: 30_000, restsFromAll: true });
  expect(states.countHeldUp()).toMatchObject({ slowed: 1 });
  expect(states.status(target, 5_000)).toMatchObject({ breaker: 'closed', pausedUntil: 35_000 });
  for (let request = 1; request < 40; request += 1) states.ended(offer, attempt('ok', pass(1)));
  pass(30_000);
  expect(states.status(target, 5_000)).toMatchObject({ pausedUntil: null });
  expect(offerTo('w').room).toBeGreaterThanOrEqual(20);
  expect(offerTo('w').room).toBeLessThan(23);
});

test('one whose part of this node is used up rests from this node alone', () => {
  const { states, offerTo } = world(10);
  const full = offerTo('w', { maxInFlight: 2 });
  states.claimed(full, 2);
  const fast = offerTo('fast', { maxPerSecond: 1 });
  states.claimed(fast, fast.room);
  const offers = [offerTo('w', { maxInFlight: 2 }), offerTo('fast', { maxPerSecond: 1 })];
  for (const offer of offers) expect(offer).toMatchObject({ room: 0, restsFromAll: false });
});

test('for one that is well and fast more is claimed than it has places, and they begin as places become free', () => {
  const { states, round, offerTo, now } = world();
  for (let count = 0; count < 6; count += 1) round('ok');
  const offer = offerTo('w');
  expect(offer).toMatchObject({ room: 64, ahead: 256 });
  states.claimed(offer, 320);
  expect(states.status(target, 0)).toMatchObject({ inFlight: 64 });
  expect(offerTo('w')).toMatchObject({ room: 0, ahead: 0 });
  expect(states.begun(offer)).toBe(false);
  const freed: boolean[] = [];
  for (let count = 0; count < 128; count += 1) {
    freed.push(states.ended(offer, attempt('ok', now())));
    expect(states.begun(offer)).toBe(true);
  }
  // It is claimed for again when half of them have begun.
  expect(freed.filter(Boolean)).toHaveLength(0);
  expect(states.ended(offer, attempt('ok', now()))).toBe(true);
  expect(offerTo('w')).toMatchObject({ room: 0, ahead: 128 });
  // All targets share them.
  for (let count = 0; count < 60; count += 1) states.ended(claimOne('other'), attempt('ok', now()));
  expect(offerTo('other')).toMatchObject({ room: 64, ahead: 128 });

  function claimOne(name: string): Offer {
    const one = offerTo(name);
    states.claimed(one, 1);
    return one;
  }
});

test('for one that nothing was wrong with more is claimed while it grows, and begins as it grows', () => {
  const { states, offerTo, now } = world();
  const first = offerTo('w');
  expect(first).toMatchObject({ room: 4, ahead: 0 });
  states.claimed(first, 4);
  for (let count = 0; count < 4; count += 1) states.ended(first, attempt('ok', now()));
  const second = offerTo('w');
  expect(second).toMatchObject({ room: 8, ahead: 32 });
  states.claimed(second, 40);
  expect(states.begun(second)).toBe(false);
  states.ended(second, attempt('ok', now()));
  expect([states.begun(second), states.begun(second), states.begun(second)]).toEqual([true, true, false]);
  // It has too much to do: what waits is not for it any more.
  states.ended(second, attempt('overloaded', now()));
  expect([states.keepsAhead(second), states.begun(second), offerTo('w').ahead]).toEqual([false, false, 0]);
});

test('nothing is claimed ahead for one that is slow, limited, batched or held up, and what was is given back', () => {
  const { states, round, offerTo, now } = world();
  for (let count = 0; count < 6; count += 1) round('ok');
  expect(offerTo('w', { maxPerSecond: 1_000 }).ahead).toBe(0);
  expect(offerTo('w', { batch: { maxEvents: 10, maxWaitMs: 0 } }).ahead).toBe(0);
  const offer = offerTo('w');
  states.claimed(offer, 66);
  expect(states.keepsAhead(offer)).toBe(true);
  states.ended(offer, attempt('overloaded', now(), 30_000));
  expect([states.keepsAhead(offer), states.begun(offer)]).toEqual([false, false]);
  states.givenBack(offer);
  states.givenBack(offer);
  expect(states.status(target, 0)).toMatchObject({ inFlight: 63 });

  const slow = offerTo('slow', { maxInFlight: 1 });
  states.claimed(slow, 1);
  states.ended(slow, { ...attempt('ok', now()), startedAt: now() - 300 });
  expect(offerTo('slow', { maxInFlight: 1 })).toMatchObject({ room: 1, ahead: 0 });
  for (let count = 0; count < 20; count += 1) {
    states.claimed(slow, 1);
    states.ended(slow, attempt('ok', now()));
  }
  expect(offerTo('slow', { maxInFlight: 1 })).toMatchObject({ room: 1, ahead: 4 });
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
  // What it held is for the one that wanted more before the third came.
  expect([offerTo('dead-2').room, offerTo('dead-3').room]).toEqual([1, 0]);
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

test('a place of the unproven goes round the instances, is kept for whose turn it is, and passed on when not used', () => {
  const { states, offerTo, now } = world(2);
  const first = offerTo('first', { maxInFlight: 2 });
  states.claimed(first, 2);
  const ask = (name: string, instanceId: string): Offer => {
    const offer = offerTo(name, {}, instanceId);
    states.claimed(offer, offer.room);
    return offer;
  };
  for (const name of ['1', '2', '3', '4']) ask(name, 'many');
  ask('one', 'few');
  const haveAPlace = () => states.inTurn([]).flatMap((turn) => (turn.target === 'first' ? [] : [turn.target]));
  for (let request = 0; request < 2; request += 1) states.ended(first, attempt('failed', now()));
  expect(haveAPlace()).toEqual(['1', 'one']);
  expect(ask('late', 'few').room).toBe(0);
  expect(ask('1', 'many').room).toBe(1);
  // It has nothing to send after all.
  const unused = offerTo('one', {}, 'few');
  expect(unused.room).toBe(1);
  expect(states.claimed(unused, 0)).toBe(true);
  expect(haveAPlace()).toEqual(['2']);
});

test('a place that becomes free for one of the unproven while it is being claimed for is not forgotten', () => {
  const { states, offerTo, now } = world(1);
  const first = offerTo('first', { maxInFlight: 1 });
  states.claimed(first, 1);
  states.claimed(offerTo('second'), 0);
  const second = offerTo('second');
  states.ended(first, attempt('failed', now()));
  expect([second.room, states.claimed(second, 0)]).toEqual([0, true]);
  expect(offerTo('third').room).toBe(0);
  expect(offerTo('second').room).toBe(1);
});

test('however many targets there are, some thousands of them are remembered, those in flight always', () => {
  const { states, offerTo, now } = world(1_000_000);
  const held = offerTo('in flight');
  states.claimed(held, 1);
  for (let number = 0; number < 10_500; number += 1) {
    const offer = offerTo(`host ${number}`);
    states.claimed(offer, 1);
    states.ended(offer, attempt('overloaded', now()));
  }
  const isKnown = (name: string): boolean => states.status({ instanceId: 'i', target: name }, 0) !== null;
  expect(states.countHeldUp().slowed).toBe(9_999);
  expect(['in flight', 'host 0', 'host 500', 'host 501', 'host 10499'].map(isKnown)).toEqual([
    ...[true, false, false, true, true],
  ]);
});

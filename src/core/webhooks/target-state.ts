import type { WebhookBatch } from '../ports/instance-store.ts';
import type { MessageTarget } from '../ports/message-store.ts';
import type { Breaker } from './breaker.ts';
import { afterRequest, breakerRoom, breakerState, freshBreaker, isFresh, isStruggling } from './breaker.ts';
import type { Verdict } from './decide-attempt.ts';
import type { Ramp } from './ramp.ts';
import { afterOverload, afterSuccess, cautiousRamp, freshRamp } from './ramp.ts';
import type { TokenBucket } from './token-bucket.ts';
import { fullBucket, refill, take, untilWorthwhile } from './token-bucket.ts';

/** What a webhook allows; `webhookUrl`s of publishes have the defaults. */
export interface TargetLimits {
  readonly maxInFlight: number;
  /** Null: no limit. */
  readonly maxPerSecond: number | null;
  /** Null, or left out: each message in a request of its own. */
  readonly batch?: WebhookBatch | null;
}

/**
 * A node's part of what a webhook allows. All nodes together exceed a limit of requests in flight by less than one a node,
 * and a rate only in the seconds in which a new node is not known to the others yet.
 */
export const shareOf = ({ maxInFlight, maxPerSecond, batch }: TargetLimits, nodes: number): TargetLimits => ({
  maxInFlight: Math.ceil(maxInFlight / nodes),
  maxPerSecond: maxPerSecond && maxPerSecond / nodes,
  batch: batch ?? null,
});

/** What this process knows of a target. A value; times are milliseconds of a clock that never jumps. */
export interface TargetState {
  readonly target: MessageTarget;
  readonly limits: TargetLimits;
  readonly breaker: Breaker;
  readonly ramp: Ramp;
  /** Null when its rate has no limit. */
  readonly bucket: TokenBucket | null;
  /** It asked to be left alone until then. */
  readonly pausedUntil: number;
  readonly inFlight: number;
  /** Claimed, and waiting in memory for a place. */
  readonly ahead: number;
  /** The last attempt that ended was a success. */
  readonly proven: boolean;
  /** The longest attempt of late: each that ends lets it fade a little. */
  readonly slowestMs: number;
  /** When something was claimed for it, or an attempt ended. */
  readonly servedAt: number;
}

/** How many requests may be claimed for a target, and what must happen before there are more. */
export interface Room {
  readonly room: number;
  readonly until:
    | { readonly kind: 'place' }
    /** `ofTarget`: it wants to be left alone, by whomever. */
    | { readonly kind: 'time'; readonly ms: number; readonly ofTarget: boolean };
}

/** What an attempt says about its target. */
export interface AttemptResult {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly verdict: Verdict;
  /** The target wants to be left alone for so long. */
  readonly pauseMs: number;
  readonly breakerPausesMs: readonly number[];
  /** From 0 to 1. */
  readonly chance: number;
}

/** What is claimed ahead for a target that answers faster than this waits for a few times as long at most. */
const fastMs = 200;
const fading = 0.95;
/** Half of them are sent while more are claimed, even if the store is busy. */
const aheadPerPlace = 4;

/** Longer than a breaker's pause: of a target that had nothing for so long nothing is remembered. */
const forgetAfterMs = 600_000;

export const newTarget = (target: MessageTarget, limits: TargetLimits): TargetState => ({
  ...{ target, limits, breaker: freshBreaker, ramp: freshRamp, bucket: null },
  ...{ pausedUntil: 0, inFlight: 0, ahead: 0, proven: false, slowestMs: 0, servedAt: 0 },
});

/** Requests that it may have at once, as things are. */
export const placesOf = ({ ramp, limits }: TargetState): number =>
  Math.max(1, Math.min(Math.floor(ramp.allowed), limits.maxInFlight));

/** It said that it has too much to do, or half of it failed, and has less than before since. */
export const isSlowed = ({ ramp, limits, pausedUntil }: TargetState, now: number): boolean =>
  pausedUntil > now || (ramp.threshold < limits.maxInFlight && ramp.allowed < limits.maxInFlight);

/**
 * Nothing holds it up: its places are what its webhook allows, or become so with each success since nothing was ever wrong,
 * and there is no rate or batch to wait for.
 */
const isUnhindered = (state: TargetState, now: number): boolean => {
  const { breaker, ramp, limits, pausedUntil } = state;
  const isPlain = limits.maxPerSecond === null && !limits.batch;
  if (!isPlain || breaker.kind !== 'closed' || pausedUntil > now) return false;
  const isGrowing = breaker.openings === 0 && ramp.threshold === freshRamp.threshold;
  return isGrowing || placesOf(state) === limits.maxInFlight;
};

/** How many may be claimed for it beyond its places: none for a target that is slow, or may get less soon. */
export const mostAhead = (state: TargetState, now: number): number =>
  state.proven && state.slowestMs <= fastMs && isUnhindered(state, now) ? aheadPerPlace * placesOf(state) : 0;

/** False: what was claimed ahead for it is to be given back. */
export const keepsAhead = isUnhindered;

/** One that was claimed ahead does not begin: no more are for a while, whatever the target's last answers were like. */
export const afterGivenBack = (state: TargetState): TargetState => ({
  ...state,
  ahead: state.ahead - 1,
  slowestMs: Math.max(state.slowestMs, 10 * fastMs),
});

/** One that was claimed ahead may begin. */
export const hasPlace = (state: TargetState, now: number): boolean =>
  isUnhindered(state, now) && state.inFlight < placesOf(state);

/** How many may be claimed and begin at once. */
export function roomOf(state: TargetState, now: number): Room {
  const { breaker, limits, pausedUntil } = state;
  const inFlight = state.inFlight + state.ahead;
  const rooms: Room[] = [{ room: Math.max(0, placesOf(state) - inFlight), until: { kind: 'place' } }];
  if (pausedUntil > now) rooms.push({ room: 0, until: { kind: 'time', ms: pausedUntil - now, ofTarget: true } });
  if (breaker.kind === 'open') {
    const isOpen = breakerState(breaker, now) === 'open';
    const until: Room['until'] = isOpen ? { kind: 'time', ms: breaker.until - now, ofTarget: true } : { kind: 'place' };
    rooms.push({ room: breakerRoom(breaker, now, inFlight), until });
  }
  const bucket = bucketOf(state, now);
  if (bucket && limits.maxPerSecond !== null) {
    const room = Math.max(0, Math.floor(bucket.tokens));
    const ms = untilWorthwhile(take(bucket, room), limits.maxPerSecond);
    rooms.push({ room, until: { kind: 'time', ms, ofTarget: false } });
  }
  return rooms.reduce(lesser);
}

/** Of two that leave the same, time: it passes by itself. */
export const lesser = (one: Room, other: Room): Room => {
  if (one.room !== other.room) return one.room < other.room ? one : other;
  if (one.until.kind === 'place' || other.until.kind === 'place') return one.until.kind === 'time' ? one : other;
  return one.until.ms > other.until.ms ? one : other;
};

/** `begin`: of the requests, those that begin at once. */
export const afterClaim = (state: TargetState, requests: number, begin: number, now: number): TargetState => {
  const bucket = bucketOf(state, now);
  return {
    ...state,
    servedAt: now,
    bucket: bucket && take(bucket, requests),
    inFlight: state.inFlight + begin,
    ahead: state.ahead + requests - begin,
  };
};

/** Null: nothing was sent. */
export function afterAttempt(state: TargetState, attempt: AttemptResult | null, now: number): TargetState {
  const inFlight = state.inFlight - 1;
  if (!attempt) return { ...state, servedAt: now, inFlight };
  const { verdict, startedAt, endedAt, pauseMs, breakerPausesMs: pausesMs, chance } = attempt;
  const failed = verdict !== 'ok';
  const breaker = afterRequest(state.breaker, { startedAt, endedAt, failed, pausesMs, chance });
  const pausedUntil = pauseMs > 0 ? Math.max(state.pausedUntil, endedAt + pauseMs) : state.pausedUntil;
  const slowestMs = Math.max(endedAt - startedAt, fading * state.slowestMs);
  const ramp = rampAfter(state, breaker, attempt);
  return { ...state, servedAt: now, inFlight, breaker, pausedUntil, proven: !failed, slowestMs, ramp };
}

function rampAfter(
  { ramp, breaker: before, limits, inFlight }: TargetState,
  breaker: Breaker,
  ended: AttemptResult,
): Ramp {
  if (before.kind === 'open') return breaker.kind === 'closed' ? afterSuccess(cautiousRamp, limits.maxInFlight) : ramp;
  if (ended.verdict === 'ok') return afterSuccess(ramp, limits.maxInFlight);
  const isTooMuch = ended.verdict === 'overloaded' || isStruggling(breaker, ended.endedAt);
  return isTooMuch ? afterOverload(ramp, { ...ended, inFlight }) : ramp;
}

/** True when a new state would do as well, or when nothing has happened for long. */
export function isForgettable(state: TargetState, now: number): boolean {
  const { breaker, ramp, limits, pausedUntil, inFlight, ahead, servedAt } = state;
  if (inFlight > 0 || ahead > 0 || pausedUntil > now) return false;
  if (now - servedAt >= forgetAfterMs) return true;
  const bucket = bucketOf(state, now);
  const isFull =
    !bucket || limits.maxPerSecond === null || bucket.tokens >= fullBucket(limits.maxPerSecond, now).tokens;
  return isFresh(breaker, now) && isFull && ramp.allowed >= Math.min(freshRamp.allowed, limits.maxInFlight);
}

function bucketOf({ bucket, limits: { maxPerSecond } }: TargetState, now: number): TokenBucket | null {
  if (maxPerSecond === null) return null;
  return bucket ? refill(bucket, maxPerSecond, now) : fullBucket(maxPerSecond, now);
}

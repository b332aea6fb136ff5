import type { MessageTarget, TargetRoom } from '../ports/message-store.ts';
import { breakerState, freshBreaker } from './breaker.ts';
import type { TargetStatus } from './explain-message.ts';
import { createTargetQueue } from './target-queue.ts';
import { freshRamp } from './ramp.ts';
import { keyOf } from './requests-by-target.ts';
import type { AttemptResult, Room, TargetLimits, TargetState } from './target-state.ts';
import {
  afterAttempt,
  afterClaim,
  afterGivenBack,
  hasPlace,
  isForgettable,
  isSlowed,
  keepsAhead,
  lesser,
  mostAhead,
  newTarget,
  placesOf,
  roomOf,
} from './target-state.ts';

export interface TargetStatesOptions {
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  /** Requests in flight of all targets that were not seen to succeed of late; the others have the remaining places. */
  readonly maxUnproven: number;
  /** Requests that are claimed and wait for a place, of all targets. */
  readonly maxAhead: number;
}

/** What is offered to a target in a claim. */
export interface Offer extends TargetRoom {
  /** Of the target, among all. */
  readonly key: string;
  readonly limits: TargetLimits;
  /** So many more may be claimed, which begin when places become free. */
  readonly ahead: number;
  /** When all of it is taken, only the end of a request makes room again. */
  readonly waitsForPlace: boolean;
  /** It would get more if there were more of the places that the unproven share. */
  readonly waitsForUnproven: boolean;
  /** One of those places is kept for it. */
  readonly promised: boolean;
  readonly inFlight: number;
  readonly proven: boolean;
}

export type HeldUpTargets = Readonly<Record<'open' | 'half-open' | 'slowed', number>>;

/** What this process knows of its targets. They are forgotten as soon as there is nothing to know. */
export type TargetStates = ReturnType<typeof createTargetStates>;

/** A target that waits for a place is named in a claim when it gets one; its turn is only for the case that it is not. */
const placeRestMs = 60_000;
/** Until another look at a target for which the unproven had no place left: it is in a queue anyway, unless that is full. */
const unprovenRestMs = (queued: number): number => Math.min(placeRestMs, 1_000 + 10 * queued);
/** Anybody who publishes can name new hosts: of more targets than these nothing is remembered. */
const maxRemembered = 10_000;
const sweepEveryMs = 10_000;

export function createTargetStates({ now, maxUnproven, maxAhead }: TargetStatesOptions) {
  /** Those that had something least recently come first. */
  const states = new Map<string, TargetState>();
  /** All their places were taken when they were last offered something. */
  const waiting = new Set<string>();
  /** They were waiting, and have a place since. */
  const freed = new Map<string, MessageTarget>();
  /** The unproven had no place left for them. */
  const starved = createTargetQueue(maxRemembered);
  /** Of those that are freed: for each of them a place of the unproven is kept. */
  const promised = new Set<string>();
  let unproven = 0;
  let ahead = 0;
  let sweptAt = now();
  let newest = '';

  const sweep = (): void => {
    if (now() - sweptAt < sweepEveryMs) return;
    sweptAt = now();
    for (const [key, state] of states) {
      if (isForgettable(state, now())) states.delete(key);
    }
  };
  const stateOf = (key: string, target: MessageTarget, limits: TargetLimits): TargetState => {
    const known = states.get(key);
    if (!known) return newTarget({ instanceId: target.instanceId, target: target.target }, limits);
    return known.limits === limits ? known : { ...known, limits };
  };

  const remember = (key: string, state: TargetState): void => {
    // Many come one after the other, and those have their place already.
    if (key !== newest) states.delete(key);
    newest = key;
    states.set(key, state);
    if (states.size <= maxRemembered) return;
    for (const [oldest, { inFlight, ahead: waiting }] of states) {
      if (inFlight + waiting > 0) continue;
      states.delete(oldest);
      break;
    }
  };
  const mostAheadOf = (state: TargetState): number => Math.min(mostAhead(state, now()), maxAhead);
  const free = (key: string, { target }: TargetState): void => {
    if (waiting.delete(key)) freed.set(key, target);
  };
  /** A place of the unproven is nobody's: false when nobody waits for it. */
  const passOn = (): boolean => {
    const next = starved.take();
    if (!next) return false;
    freed.set(keyOf(next), next);
    promised.add(keyOf(next));
    return true;
  };

  return {
    /** Those whose turn it is, and those that have a place again: who got something least recently comes first. */
    inTurn(turns: readonly MessageTarget[]): readonly MessageTarget[] {
      sweep();
      const all = new Map([...turns.map((target) => [keyOf(target), target] as const), ...freed]);
      const servedAt = (key: string): number => states.get(key)?.servedAt ?? 0;
      return [...all].toSorted(([one], [other]) => servedAt(one) - servedAt(other)).map(([, target]) => target);
    },

    /** What each of them may get in this claim. */
    offer(targets: readonly { readonly target: MessageTarget; readonly limits: TargetLimits }[]): readonly Offer[] {
      let unprovenLeft = maxUnproven - unproven - promised.size;
      let aheadLeft = maxAhead - ahead;
      return targets.map(({ target, limits }) => {
        const key = keyOf(target);
        const state = stateOf(key, target, limits);
        const own = roomOf(state, now());
        const isPromised = promised.has(key);
        if (isPromised) unprovenLeft += 1;
        const sharedRestMs = unprovenRestMs(starved.size());
        const shared: Room = {
          room: Math.max(0, unprovenLeft),
          until: { kind: 'time', ms: sharedRestMs, ofTarget: false },
        };
        const { room, until } = state.proven ? own : lesser(own, shared);
        if (!state.proven) unprovenLeft -= room;
        const rest = {
          restMs: until.kind === 'place' ? placeRestMs : Math.ceil(until.ms),
          restsFromAll: until.kind === 'time' && until.ofTarget,
        };
        const { proven, inFlight } = state;
        const more = Math.max(0, Math.min(mostAheadOf(state) - state.ahead, aheadLeft));
        aheadLeft -= more;
        const waits = {
          waitsForPlace: until.kind === 'place',
          waitsForUnproven: !state.proven && shared.room < own.room,
        };
        return {
          ...state.target,
          key,
          limits,
          room,
          ahead: more,
          ...rest,
          proven,
          inFlight,
          promised: isPromised,
          ...waits,
        };
      });
    },

    /**
     * So many requests were claimed of an offer. Those within its room begin, and each of them ends with `ended`; the others
     * are `begun` later, or `givenBack`. True when a place became free while it was claiming, or the one that was kept for it
     * is now kept for another.
     */
    claimed(offer: Offer, requests: number): boolean {
      const { key } = offer;
      freed.delete(key);
      const state = stateOf(key, offer, offer.limits);
      const begin = Math.min(requests, offer.room);
      const tookAll = offer.waitsForPlace && requests === offer.room + offer.ahead;
      const hasFreed = tookAll && state.inFlight < offer.inFlight && offer.ahead === 0;
      if (hasFreed) freed.set(key, state.target);
      if (tookAll && !hasFreed) waiting.add(key);
      else waiting.delete(key);
      if (requests > 0) remember(key, afterClaim(state, requests, begin, now()));
      ahead += requests - begin;
      if (!offer.proven) unproven += requests;
      if (offer.promised) promised.delete(key);
      const isPromised = promised.has(key);
      if (isPromised) freed.set(key, state.target);
      else if (offer.waitsForUnproven && requests === offer.room) starved.add(state.target);
      else starved.remove(state.target);
      const passedOn = offer.promised && (offer.proven || requests === 0) && passOn();
      return hasFreed || isPromised || passedOn;
    },

    /** Whether a claim was made is not known: the targets may rest, so the next one names them. */
    claimFailed(offers: readonly Offer[]): void {
      for (const offer of offers) freed.set(offer.key, { instanceId: offer.instanceId, target: offer.target });
    },

    /** A request that was claimed is over; null: nothing was sent. True when some target has a place that it waited for. */
    ended(offer: Offer, attempt: AttemptResult | null): boolean {
      const { key, proven, limits } = offer;
      if (!proven) unproven -= 1;
      const state = afterAttempt(stateOf(key, offer, limits), attempt, now());
      remember(key, state);
      // With enough in memory there is no hurry: larger claims cost less.
      if (waiting.has(key) && 2 * state.ahead <= mostAheadOf(state)) free(key, state);
      if (!proven) passOn();
      return freed.size > 0;
    },

    /** Takes a place for a request that was claimed ahead; false when there is none. */
    begun(offer: Offer): boolean {
      const { key } = offer;
      const state = stateOf(key, offer, offer.limits);
      if (!hasPlace(state, now())) return false;
      remember(key, { ...state, inFlight: state.inFlight + 1, ahead: state.ahead - 1 });
      ahead -= 1;
      return true;
    },

    /** Whether what was claimed ahead may go on waiting. */
    keepsAhead: (offer: Offer): boolean => keepsAhead(stateOf(offer.key, offer, offer.limits), now()),

    /** A request that was claimed ahead does not begin. */
    givenBack(offer: Offer): void {
      const { key } = offer;
      const state = stateOf(key, offer, offer.limits);
      remember(key, afterGivenBack(state));
      ahead -= 1;
      free(key, state);
    },

    /** What was wrong with it counts no more: somebody has changed the webhook. */
    forgive(target: MessageTarget): void {
      const key = keyOf(target);
      const state = states.get(key);
      if (state) states.set(key, { ...state, breaker: freshBreaker, ramp: freshRamp, pausedUntil: 0 });
      // Its rest ends.
      freed.set(key, target);
    },

    /** Null: nothing is known of it. */
    status(target: MessageTarget, wallNow: number): TargetStatus | null {
      const state = states.get(keyOf(target));
      if (!state) return null;
      const { breaker, inFlight, limits, pausedUntil } = state;
      const breakerNow = breakerState(breaker, now());
      return {
        breaker: breakerNow,
        probeAt: breaker.kind === 'open' && breakerNow === 'open' ? wallNow + Math.ceil(breaker.until - now()) : null,
        pausedUntil: pausedUntil > now() ? wallNow + Math.ceil(pausedUntil - now()) : null,
        inFlight,
        places: breakerNow === 'half-open' ? 1 : placesOf(state),
        maxPerSecond: limits.maxPerSecond,
      };
    },

    /** Targets that get less than their webhooks allow: by their breaker, because they asked for it, or because half of it fails. */
    countHeldUp(): HeldUpTargets {
      const counts = { open: 0, 'half-open': 0, slowed: 0 };
      for (const state of states.values()) {
        const breakerNow = breakerState(state.breaker, now());
        if (breakerNow !== 'closed') counts[breakerNow] += 1;
        else if (isSlowed(state, now())) counts.slowed += 1;
      }
      return counts;
    },
  };
}

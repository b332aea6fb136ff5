/**
 * Keeps requests from a target that hardly does anything but fail. Closed, it counts; open, it lets nothing through; when its pause is over
 * it is half-open, and one request at a time finds out. A value: the functions answer the next one. Times are
 * milliseconds of a clock that never jumps.
 */
export type Breaker = ClosedBreaker | OpenBreaker;

interface ClosedBreaker {
  readonly kind: 'closed';
  /** Since its last opening ended; before that nothing was ever wrong. */
  readonly since: number;
  /** Attempts that ended of late, oldest slot first. */
  readonly slots: readonly Slot[];
  /** Openings so far: the next pause is the longer for it. Forgiven when it stays closed for long. */
  readonly openings: number;
}

interface OpenBreaker {
  readonly kind: 'open';
  readonly since: number;
  /** Half-open from then on. */
  readonly until: number;
  readonly openings: number;
}

interface Slot {
  readonly startedAt: number;
  readonly attempts: number;
  readonly failures: number;
}

export interface EndedRequest {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
  /** Of the first opening, the second and so on; the last one goes on for ever. */
  readonly pausesMs: readonly number[];
  /** From 0 to 1: stretches the pause by up to a tenth, so that targets that failed together are not probed together. */
  readonly chance: number;
}

export const breakerPausesMs: readonly number[] = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000];

const windowMs = 60_000;
const slotMs = 5_000;
/** A message has at most so few attempts in a minute that one alone never opens a breaker. */
const minAttempts = 10;
/** One that takes some of what it gets, such as all events of but one type, is not down: it goes on getting them. */
const minFailureShare = 0.9;
const struggleShare = 0.5;
const forgivenAfterMs = 300_000;
const jitter = 0.1;

export const freshBreaker: Breaker = { kind: 'closed', since: Number.NEGATIVE_INFINITY, slots: [], openings: 0 };

export const breakerState = (breaker: Breaker, now: number): 'closed' | 'open' | 'half-open' =>
  breaker.kind === 'closed' ? 'closed' : now < breaker.until ? 'open' : 'half-open';

/** More requests that may be sent now. */
export function breakerRoom(breaker: Breaker, now: number, inFlight: number): number {
  const state = breakerState(breaker, now);
  if (state === 'closed') return Number.POSITIVE_INFINITY;
  return state === 'half-open' && inFlight === 0 ? 1 : 0;
}

/** True when so much failed of late that it should get less at once. */
export function isStruggling(breaker: Breaker, now: number): boolean {
  if (breaker.kind !== 'closed') return false;
  const { attempts, failures } = count(recent(breaker.slots, now));
  return attempts >= minAttempts && failures >= attempts * struggleShare;
}

/** True when it remembers nothing that would change what comes. */
export const isFresh = (breaker: Breaker, now: number): boolean =>
  breaker.kind === 'closed' &&
  (breaker.openings === 0 || now - breaker.since >= forgivenAfterMs) &&
  !recent(breaker.slots, now).some(({ failures }) => failures > 0);

export function afterRequest(breaker: Breaker, request: EndedRequest): Breaker {
  const { startedAt, endedAt: now, failed } = request;
  if (breaker.kind === 'open') {
    // What was sent before it opened, or in the time that the pause has forgotten, says nothing new.
    if (startedAt < breaker.until) return breaker;
    return failed
      ? open(breaker.openings, request)
      : { kind: 'closed', since: now, slots: [], openings: breaker.openings };
  }
  if (startedAt < breaker.since) return breaker;
  const slots = withRequest(recent(breaker.slots, now), now, failed);
  const { since, openings } = breaker;
  const { attempts, failures } = failed ? count(slots) : nothingFailed;
  if (attempts < minAttempts || failures < attempts * minFailureShare)
    return { kind: 'closed', since, slots, openings };
  return open(now - since >= forgivenAfterMs ? 0 : openings, request);
}

function open(openings: number, { endedAt, pausesMs, chance }: EndedRequest): OpenBreaker {
  const pauseMs = pausesMs[Math.min(openings, pausesMs.length - 1)] ?? 0;
  const until = endedAt + pauseMs * (1 + jitter * chance);
  return { kind: 'open', since: endedAt, until, openings: openings + 1 };
}

const nothingFailed = { attempts: 0, failures: 0 };

function recent(slots: readonly Slot[], now: number): readonly Slot[] {
  const [oldest] = slots;
  const allAre = !oldest || now - oldest.startedAt < windowMs;
  return allAre ? slots : slots.filter(({ startedAt }) => now - startedAt < windowMs);
}

function withRequest(slots: readonly Slot[], now: number, failed: boolean): readonly Slot[] {
  const last = slots.at(-1);
  if (!last || now - last.startedAt >= slotMs) {
    return [...slots, { startedAt: now, attempts: 1, failures: Number(failed) }];
  }
  const { startedAt, attempts, failures } = last;
  return slots.with(slots.length - 1, { startedAt, attempts: attempts + 1, failures: failures + Number(failed) });
}

const count = (slots: readonly Slot[]): Pick<Slot, 'attempts' | 'failures'> => ({
  attempts: slots.reduce((total, slot) => total + slot.attempts, 0),
  failures: slots.reduce((total, slot) => total + slot.failures, 0),
});

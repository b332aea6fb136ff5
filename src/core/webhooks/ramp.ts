/**
 * How many requests a target gets at once. It grows with every success, so it doubles each time that all of them succeed;
 * a target that says it has too much to do gets half, and from there on one more a round. A value; the webhook's own limit
 * stands above it.
 */
export interface Ramp {
  readonly allowed: number;
  /** Where growth stops doubling. */
  readonly threshold: number;
  readonly slowedAt: number;
}

/** Of a target that nothing is known about: when all are new, as after a start, those that hang cannot take every place. */
export const freshRamp: Ramp = { allowed: 4, threshold: Number.POSITIVE_INFINITY, slowedAt: Number.NEGATIVE_INFINITY };

/** Of a target that was just found to be back. */
export const cautiousRamp: Ramp = { ...freshRamp, allowed: 1 };

export function afterSuccess(ramp: Ramp, maxInFlight: number): Ramp {
  if (ramp.allowed >= maxInFlight) return ramp;
  const step = ramp.allowed < ramp.threshold ? 1 : 1 / ramp.allowed;
  return { ...ramp, allowed: Math.min(ramp.allowed + step, maxInFlight) };
}

export interface OverloadedRequest {
  readonly startedAt: number;
  readonly endedAt: number;
  /** This one included. */
  readonly inFlight: number;
}

/** All that were in flight when it was halved tell of the same overload: they do not halve it again. */
export function afterOverload(ramp: Ramp, { startedAt, endedAt, inFlight }: OverloadedRequest): Ramp {
  if (startedAt < ramp.slowedAt) return ramp;
  const allowed = Math.max(1, Math.floor(Math.min(ramp.allowed, inFlight) / 2));
  return { allowed, threshold: allowed, slowedAt: endedAt };
}

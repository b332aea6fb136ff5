/** Requests that may be begun, as they accrue. A value; times are milliseconds of a clock that never jumps. */
export interface TokenBucket {
  readonly tokens: number;
  readonly at: number;
}

/** What is saved up lasts a tenth of a second, so that no second sees much more than its share. */
const burstOf = (perSecond: number): number => Math.max(1, perSecond / 10);

export const fullBucket = (perSecond: number, now: number): TokenBucket => ({ tokens: burstOf(perSecond), at: now });

export function refill(bucket: TokenBucket, perSecond: number, now: number): TokenBucket {
  const accrued = (Math.max(0, now - bucket.at) / 1_000) * perSecond;
  return { tokens: Math.min(burstOf(perSecond), bucket.tokens + accrued), at: now };
}

export const take = (bucket: TokenBucket, tokens: number): TokenBucket => ({
  ...bucket,
  tokens: bucket.tokens - tokens,
});

/** Until there is a whole token, or a twentieth of a second's worth: fewer claims, the same rate. */
export function untilWorthwhile(bucket: TokenBucket, perSecond: number): number {
  const wanted = Math.max(1, perSecond / 20);
  return Math.max(0, Math.ceil(((wanted - bucket.tokens) / perSecond) * 1_000));
}

/** Messages that are worth a trip to an encryption thread together. */
export const encryptionChunk = 100;

/** A delivery that finds no place in its origin's window within this time gives way and is retried later. */
export const windowWaitMs = 2_000;

/** Origins whose windows are remembered. */
export const maxWindows = 1_000;

/** So long the operator is not told again about the same status of the same origin. */
export const warnEveryMs = 10 * 60_000;

/** RFC 8292, section 2: a token must not expire more than 24 hours from now. */
export const tokenLifetimeMs = 12 * 60 * 60_000;

/** A token is replaced this long before it expires, so that clocks may differ. */
export const tokenRenewalMs = 60 * 60_000;

/** Messages that are worth a trip to an encryption thread together. */
export const encryptionChunk = 100;

/** RFC 8292, section 2: a token must not expire more than 24 hours from now. */
export const tokenLifetimeMs = 12 * 60 * 60_000;

/** A token is replaced this long before it expires, so that clocks may differ. */
export const tokenRenewalMs = 60 * 60_000;

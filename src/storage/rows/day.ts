/** The day (UTC, counted from 1970-01-01) of a time in milliseconds. */
export const dayOf = (ms: number): number => Math.floor(ms / 86_400_000);

const shortestMs = 30_000;
const longestMs = 15 * 60_000;

/** How long something waits that only the operator can mend: for as long as it has waited already, within bounds. */
export const postponedMs = (since: number, now: number): number =>
  Math.min(Math.max(now - since, shortestMs), longestMs);

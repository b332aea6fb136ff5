/** As many as a time in milliseconds still can hold; however long it is, it was asked to wait. */
const maxSeconds = 1e10;

/** Milliseconds asked for by a `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3); null if neither. */
export function parseRetryAfter(value: string | readonly string[] | undefined, nowMs: number): number | null {
  const text = (typeof value === 'string' ? value : value?.[0])?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text), maxSeconds) * 1000;
  // All three forms of an HTTP date begin with the name of a day; Date.parse alone would take "-5" for a year.
  const date = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

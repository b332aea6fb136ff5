/** A time of day and after it what makes it the same everywhere: `Z`, `GMT`, `UTC`, `-07:00`, `GMT-0700`. */
const timeWithOffset =
  /\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]m)?\s*(?:Z|GMT|UTC|(?:GMT|UTC)?\s*[+-]\d{2}:?\d{2})$/i;

/** The longest that servers write is `Date.prototype.toString`. What follows costs the cube of the length. */
const maxLength = 100;
/** Far enough for every campaign, and not longer than the results are kept. */
const maxAheadMs = 30 * 86_400_000;

/**
 * `send_after` in milliseconds since 1970, undefined when that is not in the future, or what is wrong with it. A date
 * without an offset would mean another moment on another server, so it is refused.
 */
export function parseSendAfter(
  text: string,
  now: number,
): { readonly sendAfter: number | undefined } | { readonly mistake: string } {
  // As `Date.prototype.toString` ends: "GMT-0700 (Pacific Daylight Time)".
  if (text.length > maxLength) return { mistake: `send_after must be a date in at most ${maxLength} characters` };
  const date = text.trim().replace(/\s*\([^()]*\)$/, '');
  if (!timeWithOffset.test(date)) {
    return {
      mistake:
        'send_after must be a date with a time and its offset from UTC, like "2030-09-24 14:00:00 GMT-0700" or "2030-09-24T14:00:00Z": without an offset it could mean any of 24 hours',
    };
  }
  const time = Date.parse(date);
  if (Number.isNaN(time)) return { mistake: 'send_after is not a date like "2030-09-24 14:00:00 GMT-0700"' };
  if (time > now + maxAheadMs) return { mistake: 'send_after can be at most 30 days ahead' };
  return { sendAfter: time > now ? time : undefined };
}

/** A range is divided no further than into parts of so many pages. */
const pagesOfPart = 20;
/** Ranges that a publish has at a time. */
export const maxRanges = 64;

/** How far a range has come, in numbers of its devices; of a publish to users, of its users. */
export interface Progress {
  /** Where its first page ended … */
  readonly first: number;
  /** … and where its last page did, `pages` after the beginning. */
  readonly cursor: number;
  readonly end: number;
  readonly pages: number;
}

/**
 * Where the parts end that the rest of a range is divided into, `room` at most: just its end when that is not worth it.
 * The rest is taken to be as dense as what was walked through. When it is not, a part that turns out to be large is
 * divided again.
 */
export function divideRange({ first, cursor, end, pages }: Progress, room: number): readonly number[] {
  const walked = cursor - first;
  const left = end - cursor;
  if (walked <= 0 || left <= 0) return [end];
  const pagesLeft = ((pages - 1) * left) / walked;
  const parts = Math.min(room, left, Math.floor(pagesLeft / pagesOfPart));
  if (parts < 2) return [end];
  return Array.from({ length: parts }, (_, index) => cursor + Math.floor((left * (index + 1)) / parts));
}

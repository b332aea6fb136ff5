import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

test.each([
  ['120', 120_000],
  ['0', 0],
  ['9'.repeat(400), 1e13],
  [' 5 ', 5000],
  ['Thu, 01 Jan 2026 12:01:00 GMT', 60_000],
  ['Thursday, 01-Jan-26 12:01:00 GMT', 60_000],
  ['Thu Jan  1 12:01:00 2026 GMT', 60_000],
  ['Wed, 31 Dec 2025 12:00:00 GMT', 0],
  ['-5', null],
  ['1.5', null],
  ['soon', null],
  ['', null],
  [undefined, null],
  [['7', '8'], 7000],
])('%j', (value, expected) => {
  expect(parseRetryAfter(value, now)).toBe(expected);
});

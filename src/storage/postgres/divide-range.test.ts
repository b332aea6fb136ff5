import { expect, test } from 'vitest';
import { divideRange } from './divide-range.ts';

test('a range is divided by the work that is left, evenly, and ends where it did', () => {
  // 30 pages to number 3,000: 40 more to number 7,000.
  expect(divideRange({ first: 100, cursor: 3_000, end: 6_900, pages: 30 }, 64)).toEqual([6_900]);
  expect(divideRange({ first: 100, cursor: 3_000, end: 7_000, pages: 30 }, 64)).toEqual([5_000, 7_000]);
  expect(divideRange({ first: 100, cursor: 3_000, end: 9_000, pages: 30 }, 64)).toEqual([5_000, 7_000, 9_000]);
  const large = divideRange({ first: 100, cursor: 3_000, end: 1_003_000, pages: 30 }, 5);
  expect(large).toEqual([203_000, 403_000, 603_000, 803_000, 1_003_000]);
});

test('a range of which nothing is known is not divided', () => {
  for (const pages of [0, 1]) {
    expect(divideRange({ first: 0, cursor: 0, end: 1_000_000, pages }, 64)).toEqual([1_000_000]);
  }
  expect(divideRange({ first: 10, cursor: 500, end: 500, pages: 30 }, 64)).toEqual([500]);
  expect(divideRange({ first: 10, cursor: 500, end: 1_000_000, pages: 30 }, 1)).toEqual([1_000_000]);
});

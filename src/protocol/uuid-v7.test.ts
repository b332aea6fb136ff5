import { expect, test, vi } from 'vitest';
import { isUuid, uuidV7Time } from './ids.ts';
import { chanceUuidV7, uuidV7 } from './uuid-v7.ts';

test.each([
  ['in order', uuidV7],
  ['all chance', () => chanceUuidV7()],
])('is a UUID of version 7 with its time: %s', (_, make) => {
  const before = Date.now();
  const ids = Array.from({ length: 10_000 }, make);
  expect(ids.every((id) => isUuid(id) && /^.{14}7.{4}[89ab]/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(uuidV7Time(ids[0] as string)).toBeGreaterThanOrEqual(before);
});

test('stays in order within a millisecond, when a count overflows, and when the clock goes back', () => {
  vi.useFakeTimers({ now: Date.now() + 1_000 });
  try {
    const ids = Array.from({ length: 10_000 }, uuidV7);
    expect(uuidV7Time(ids.at(-1) as string)).toBeGreaterThan(Date.now());
    vi.setSystemTime(Date.now() - 60_000);
    ids.push(...Array.from({ length: 10_000 }, uuidV7));
    expect(ids.toSorted()).toEqual(ids);
  } finally {
    vi.useRealTimers();
  }
});

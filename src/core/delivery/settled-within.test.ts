import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { settledWithin } from './settled-within.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is known of so many promises, and when; each settles at its time with its own index. */
async function wait(settleAtMs: readonly number[]) {
  const startedAt = performance.now();
  const promises = settleAtMs.map((ms, index) => new Promise<number>((resolve) => setTimeout(resolve, ms, index)));
  const waiting = settledWithin(promises, 1_000).then((settled) => ({
    known: settled.size,
    afterMs: Math.round(performance.now() - startedAt),
  }));
  await vi.advanceTimersByTimeAsync(20_000);
  return waiting;
}
const page = (...last: readonly number[]) => [...Array.from({ length: 100 - last.length }, () => 30), ...last];

test('waits for all, and no longer', async () => {
  expect(await wait([])).toEqual({ known: 0, afterMs: 0 });
  expect(await wait([900])).toEqual({ known: 1, afterMs: 900 });
  expect(await wait([30, 900])).toEqual({ known: 1, afterMs: 200 });
  expect(await wait(page(40, 150))).toEqual({ known: 100, afterMs: 150 });
});

test('waits for a few stragglers as long again as for the others, and a little at least', async () => {
  expect(await wait(page(5_000))).toEqual({ known: 99, afterMs: 200 });
  expect(await wait(page(...Array.from({ length: 10 }, () => 5_000)))).toEqual({ known: 90, afterMs: 200 });
  expect(await wait([...page().map(() => 300), 500])).toEqual({ known: 101, afterMs: 500 });
  expect(await wait([...page().map(() => 300), 5_000])).toEqual({ known: 100, afterMs: 600 });
});

test('waits for many as long as it may, however soon the others are known', async () => {
  expect(await wait(page(...Array.from({ length: 11 }, () => 5_000)))).toEqual({ known: 89, afterMs: 1_000 });
  expect(await wait([...page().map(() => 700), 5_000])).toEqual({ known: 100, afterMs: 1_000 });
  expect(await wait([5_000])).toEqual({ known: 0, afterMs: 1_000 });
});

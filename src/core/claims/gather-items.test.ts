import { expect, test } from 'vitest';
import { gatherItems } from './gather-items.ts';

function recorded() {
  const runs: number[][] = [];
  const command = async (items: readonly number[]) => {
    runs.push([...items]);
    if (items.includes(0)) throw new Error('away');
    return items.map((item) => ({ ok: true as const, value: 10 * item }));
  };
  return { runs, command };
}

test('items wait for each other, until there are enough of them', async () => {
  const { runs, command } = recorded();
  const gathered = gatherItems(command, { areEnough: (count) => count === 3, maxWaitMs: 60_000 });
  const results = await Promise.all([gathered([1]), gathered([2, 3])]);
  expect(runs).toEqual([[1, 2, 3]]);
  expect(results.flat()).toEqual([10, 20, 30].map((value) => ({ ok: true, value })));
});

test('or until time is over; then others begin to wait', async () => {
  const { runs, command } = recorded();
  const gathered = gatherItems(command, { areEnough: () => false, maxWaitMs: 1 });
  await Promise.all([gathered([1]), gathered([2])]);
  await gathered([3]);
  expect(runs).toEqual([[1, 2], [3]]);
});

test('a command that rejects does so for all who waited, and for nobody after them', async () => {
  const { command } = recorded();
  const gathered = gatherItems(command, { areEnough: (count) => count === 2, maxWaitMs: 1 });
  const outcomes = await Promise.allSettled([gathered([1]), gathered([0]), gathered([2])]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

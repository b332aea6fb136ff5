import { expect, test } from 'vitest';
import type { ItemResult } from '../ports/command.ts';
import { StoreUnavailable } from '../ports/command.ts';
import { gatherItems } from './gather-items.ts';

function recorded() {
  const runs: number[][] = [];
  const command = async (items: readonly number[]): Promise<readonly ItemResult<number>[]> => {
    runs.push([...items]);
    if (items.includes(0)) throw new Error('a bug');
    return items.map((item) =>
      item < 0 ? { ok: false, error: new Error(`not ${item}`) } : { ok: true, value: 10 * item },
    );
  };
  return { runs, command };
}

test('items wait for each other, until there are enough of them; each has its own answer', async () => {
  const { runs, command } = recorded();
  const gathered = gatherItems(command, { areEnough: (count) => count === 3, maxWaitMs: 60_000 });
  const outcomes = await Promise.allSettled([1, -2, 3].map((item) => gathered(item)));
  expect(runs).toEqual([[1, -2, 3]]);
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: 10 },
    { status: 'rejected', reason: new Error('not -2') },
    { status: 'fulfilled', value: 30 },
  ]);
});

test('or until time is over; then others begin to wait', async () => {
  const { runs, command } = recorded();
  const gathered = gatherItems(command, { areEnough: () => false, maxWaitMs: 1 });
  await Promise.all([gathered(1), gathered(2)]);
  await gathered(3);
  expect(runs).toEqual([[1, 2], [3]]);
});

test('a command that rejects does so for all who waited, and for nobody after them', async () => {
  const { command } = recorded();
  const gathered = gatherItems(command, { areEnough: (count) => count === 2, maxWaitMs: 1 });
  const outcomes = await Promise.allSettled([gathered(1), gathered(0), gathered(2)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('what the store cannot take is asked of it again', async () => {
  const { runs, command } = recorded();
  let calls = 0;
  const gathered = gatherItems(
    async (items: readonly number[]) => {
      calls += 1;
      if (calls === 1) throw new StoreUnavailable('the disk is full');
      return command(items);
    },
    { areEnough: (count) => count === 2, maxWaitMs: 60_000 },
  );
  expect(await Promise.all([gathered(1), gathered(2)])).toEqual([10, 20]);
  expect([calls, runs]).toEqual([2, [[1, 2]]]);
});

import { expect, test } from 'vitest';
import { createClaimedAhead } from './claimed-ahead.ts';

const target = { key: 'w' };
const other = { key: 'other' };

function world(maxWaitMs = 600_000) {
  const has = { places: 0, isWell: true };
  const ahead = createClaimedAhead({
    begin: () => has.places > 0 && (has.places -= 1) >= 0,
    mayWait: () => has.isWell,
    maxWaitMs,
  });
  const told: string[] = [];
  const wait = (name: string, of = target) => ahead.turn(of).then((mayBegin) => told.push(`${name} ${mayBegin}`));
  return { has, ahead, told, wait };
}

test('what waits begins in its order, when there are places', async () => {
  const { has, ahead, told, wait } = world();
  const all = [wait('first'), wait('second'), wait('third')];
  ahead.look(target);
  has.places = 2;
  ahead.look(other);
  ahead.look(target);
  await Promise.all(all.slice(0, 2));
  expect(told).toEqual(['first true', 'second true']);
  ahead.close();
  await Promise.all(all);
  expect(told.at(-1)).toBe('third false');
});

test('all that waits for a target is given back when it becomes ill, and at the end', async () => {
  const { has, ahead, told, wait } = world();
  const others = wait('other', other);
  const ill = [wait('first'), wait('second')];
  has.isWell = false;
  ahead.look(target);
  await Promise.all(ill);
  expect(told).toEqual(['first false', 'second false']);
  has.isWell = true;
  ahead.close();
  await Promise.all([others, wait('late')]);
  expect(told.slice(2).toSorted()).toEqual(['late false', 'other false']);
});

test('nobody waits for long', async () => {
  const { told, wait } = world(1);
  await Promise.all([wait('first'), wait('other', other)]);
  expect(told.toSorted()).toEqual(['first false', 'other false']);
});

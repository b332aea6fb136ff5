import { expect, test } from 'vitest';
import { createOriginWindow } from './origin-window.ts';

test('places go to who waits longest', async () => {
  const window = createOriginWindow(1);
  const order: string[] = [];
  expect(await window.enter(1)).toBe(true);
  const first = window.enter(10_000).then(() => order.push('first'));
  const second = window.enter(10_000).then(() => order.push('second'));
  window.leave(true);
  await first;
  window.leave(true);
  await second;
  expect(order).toEqual(['first', 'second']);
  expect(window.idle()).toBe(false);
  window.leave(true);
  expect(window.idle()).toBe(true);
});

test('who waits in vain gives way and takes no place', async () => {
  const window = createOriginWindow(1);
  await window.enter(1);
  expect(await window.enter(5)).toBe(false);
  window.leave(true);
  expect(window.idle()).toBe(true);
});

test('no more than four times its places wait', async () => {
  const window = createOriginWindow(1);
  await window.enter(1);
  const waiting = Array.from({ length: 4 }, () => window.enter(50));
  expect(window.full()).toBe(true);
  expect(await window.enter(10_000)).toBe(false);
  expect(await Promise.all(waiting)).toEqual([false, false, false, false]);
});

test('a window that is full and does not move is not waited for', async () => {
  let now = 0;
  const window = createOriginWindow(2, () => now);
  await Promise.all([window.enter(1), window.enter(1)]);
  expect(window.full()).toBe(false);
  now += 1_000;
  expect(window.full()).toBe(true);
  expect(await window.enter(10_000)).toBe(false);
  window.leave(true);
  expect(window.full()).toBe(false);
});

test('an origin that only fails is left one place, and gets the others back with its answers', async () => {
  const window = createOriginWindow(100);
  const enterAll = async (): Promise<number> => {
    let entered = 0;
    while (entered < 200 && (await window.enter(0))) entered += 1;
    return entered;
  };
  expect(await enterAll()).toBe(100);
  for (let left = 0; left < 100; left++) window.leave(false);
  expect(window.idle()).toBe(false);
  for (const places of [1, 2, 4, 8, 16, 32, 64, 100]) {
    expect(await enterAll()).toBe(places);
    for (let left = 0; left < places; left++) window.leave(true);
  }
  expect(window.idle()).toBe(true);
});

test('failures between answers take no place away', async () => {
  const window = createOriginWindow(20);
  for (let round = 0; round < 50; round++) {
    await window.enter(1);
    window.leave(round % 10 === 0);
  }
  expect(window.idle()).toBe(true);
});

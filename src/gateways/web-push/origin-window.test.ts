import { expect, test } from 'vitest';
import { createOriginWindow } from './origin-window.ts';

test('places go to who waits longest', async () => {
  const window = createOriginWindow(1);
  const order: string[] = [];
  expect(await window.enter(1)).toBe(true);
  const first = window.enter(10_000).then(() => order.push('first'));
  const second = window.enter(10_000).then(() => order.push('second'));
  window.leave();
  await first;
  window.leave();
  await second;
  expect(order).toEqual(['first', 'second']);
  expect(window.idle()).toBe(false);
  window.leave();
  expect(window.idle()).toBe(true);
});

test('who waits in vain gives way and takes no place', async () => {
  const window = createOriginWindow(1);
  await window.enter(1);
  expect(await window.enter(5)).toBe(false);
  window.leave();
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

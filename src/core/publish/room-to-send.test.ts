import { expect, test, vi } from 'vitest';
import { createRoomToSend } from './room-to-send.ts';

/** Takes room, and tells who has got it. */
function openRoom(atFirst = 200, longestWaitMs = 60_000) {
  const room = createRoomToSend({ atFirst, atMost: 500, longestWaitMs });
  const begun: string[] = [];
  const take = async (name: string, count: number) => {
    await room.take(count);
    begun.push(name);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { room, begun, take, settle };
}

test('what does not fit waits in order, and room grows with what is recorded', async () => {
  const { room, begun, take, settle } = openRoom();
  const waits = [take('a', 100), take('b', 100), take('c', 100), take('d', 10)];
  await settle();
  expect(begun).toEqual(['a', 'b']);
  expect(room.has(1)).toBe(false);
  expect(room.has(0)).toBe(true);
  // 210 by then: 100 for `c`, and 10 more.
  room.giveBack(100);
  await Promise.all(waits);
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  expect(room.has(1)).toBe(false);
  room.giveBack(10);
  expect([room.has(11), room.has(12)]).toEqual([true, false]);
});

test('it grows up to a limit', () => {
  const { room } = openRoom();
  for (let page = 0; page < 40; page++) {
    void room.take(100);
    room.giveBack(100);
  }
  void room.take(1);
  expect([room.has(499), room.has(500)]).toEqual([true, false]);
});

test('more than there is room for goes alone', async () => {
  const { room, begun, take, settle } = openRoom();
  const waits = [take('a', 256), take('b', 1)];
  await settle();
  expect(begun).toEqual(['a']);
  room.giveBack(256);
  await Promise.all(waits);
  expect(begun).toEqual(['a', 'b']);
});

test('nobody waits for ever for what others do not record', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { room, begun, take, settle } = openRoom(200, 5_000);
  const waits = [take('a', 200), take('b', 100), take('c', 100)];
  vi.advanceTimersByTime(4_999);
  await settle();
  expect(begun).toEqual(['a']);
  vi.advanceTimersByTime(1);
  await Promise.all(waits);
  expect(begun).toEqual(['a', 'b', 'c']);
  room.giveBack(200);
  expect([room.has(20), room.has(21)]).toEqual([true, false]);
  vi.useRealTimers();
});

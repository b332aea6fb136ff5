import { expect, test, vi } from 'vitest';
import { ClaimLoop } from './claim-loop.ts';

const silentLog = { info: () => {}, warn: () => {}, error: vi.fn() };

/** A queue in memory; `finish` ends the work on an item. */
function startLoop({ capacity = 4, waiting = [] as number[] } = {}) {
  const claims: number[] = [];
  const running = new Map<number, (waitsAgain: boolean) => void>();
  const log = { ...silentLog, error: vi.fn() };
  const loop = new ClaimLoop<number>({
    name: 'number',
    log,
    capacity,
    claim: async (limit) => {
      claims.push(limit);
      return waiting.splice(0, limit);
    },
    run: (item) => new Promise((resolve) => running.set(item, resolve)),
    nextDueMs: async () => null,
  });
  loop.start();
  const finish = (item: number, waitsAgain = false) => {
    running.get(item)?.(waitsAgain);
    running.delete(item);
  };
  return { loop, claims, waiting, running, finish, log };
}

const runningItems = ({ running }: { running: Map<number, unknown> }) => [...running.keys()];

test('works on what is due, no more than its capacity at a time', async () => {
  const queue = startLoop({ capacity: 4, waiting: [1, 2, 3, 4, 5] });
  await expect.poll(() => runningItems(queue)).toEqual([1, 2, 3, 4]);
  queue.finish(2);
  await expect.poll(() => runningItems(queue)).toEqual([1, 3, 4, 5]);
  for (const item of [1, 3, 4, 5]) queue.finish(item);
  await queue.loop.stop();
});

test('sleeps until it is woken', async () => {
  const queue = startLoop();
  await expect.poll(() => queue.claims).toEqual([4]);
  queue.waiting.push(7);
  queue.loop.wake();
  await expect.poll(() => runningItems(queue)).toEqual([7]);
  queue.finish(7);
  await queue.loop.stop();
  expect(queue.claims).toEqual([4, 4]);
});

test('claims again when an item waits again', async () => {
  const queue = startLoop({ waiting: [1] });
  await expect.poll(() => runningItems(queue)).toEqual([1]);
  queue.waiting.push(1);
  queue.finish(1, true);
  await expect.poll(() => runningItems(queue)).toEqual([1]);
  queue.finish(1);
  await queue.loop.stop();
});

test('a wake-up while everything is busy neither spins nor is lost', async () => {
  const queue = startLoop({ capacity: 1, waiting: [1, 2] });
  await expect.poll(() => runningItems(queue)).toEqual([1]);
  queue.loop.wake();
  await new Promise((resolve) => setImmediate(resolve));
  expect(queue.claims).toEqual([1]);
  queue.finish(1);
  await expect.poll(() => runningItems(queue)).toEqual([2]);
  queue.finish(2);
  await queue.loop.stop();
});

test('stop claims no more and waits for what is running', async () => {
  const queue = startLoop({ waiting: [1] });
  await expect.poll(() => runningItems(queue)).toEqual([1]);
  queue.waiting.push(2);
  let stopped = false;
  const stopping = queue.loop.stop().then(() => (stopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  queue.finish(1);
  await stopping;
  expect(runningItems(queue)).toEqual([]);
});

test('an item whose work fails is logged and does not stop the loop', async () => {
  const log = { ...silentLog, error: vi.fn() };
  const done: number[] = [];
  const waiting = [1, 2];
  const loop = new ClaimLoop<number>({
    name: 'number',
    log,
    capacity: 1,
    claim: async (limit) => waiting.splice(0, limit),
    run: async (item) => {
      if (item === 1) throw new Error('boom');
      done.push(item);
      return false;
    },
    nextDueMs: async () => null,
  });
  loop.start();
  await expect.poll(() => done).toEqual([2]);
  expect(log.error).toHaveBeenCalledWith('number.failed', { error: expect.any(Error), notLogged: 0 });
  await loop.stop();
});

test('items count what they are said to be', async () => {
  const asked: number[] = [];
  const waiting = [3, 2, 4];
  const running: (() => void)[] = [];
  const loop = new ClaimLoop<number>({
    name: 'number',
    log: silentLog,
    capacity: 8,
    sizeOf: (item) => item,
    claim: async (limit) => {
      asked.push(limit);
      return waiting.splice(0, 1);
    },
    run: () => new Promise((resolve) => running.push(() => resolve(true))),
    nextDueMs: async () => null,
  });
  loop.start();
  await expect.poll(() => asked).toEqual([8]);
  loop.wake();
  await expect.poll(() => asked).toEqual([8, 5]);
  running[0]?.();
  await expect.poll(() => asked).toEqual([8, 5, 6]);
  for (const finish of running) finish();
  await loop.stop();
});

test('a store that fails everything in hand makes one line', async () => {
  const log = { ...silentLog, error: vi.fn() };
  const waiting = Array.from({ length: 100 }, (_, index) => index);
  let failed = 0;
  const loop = new ClaimLoop<number>({
    name: 'number',
    log,
    capacity: 100,
    claim: async (limit) => waiting.splice(0, limit),
    run: async () => {
      failed += 1;
      throw new Error('gone');
    },
    nextDueMs: async () => null,
  });
  loop.start();
  await expect.poll(() => failed).toBe(100);
  await loop.stop();
  expect(log.error).toHaveBeenCalledTimes(1);
});

test('with a rest, wake-ups are gathered, and stopping does not wait for it', async () => {
  let claims = 0;
  const loop = new ClaimLoop<number>({
    name: 'number',
    log: silentLog,
    capacity: 4,
    restMs: 600_000,
    claim: async () => {
      claims += 1;
      return [];
    },
    run: async () => false,
    nextDueMs: async () => 0,
  });
  loop.start();
  await expect.poll(() => claims).toBe(1);
  for (let turn = 0; turn < 10; turn++) {
    loop.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await loop.stop();
  expect(claims).toBe(1);
});

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Deadlines } from './deadlines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function create() {
  const deadlines = new Deadlines();
  const expired: string[] = [];
  const add = (name: string, timeoutMs: number) => {
    const item = { expiresAt: performance.now() + timeoutMs, expire: () => void expired.push(name) };
    deadlines.add(item, timeoutMs);
    return () => deadlines.remove(item, timeoutMs);
  };
  return { expired, add };
}

test('each expires at its time, those that were removed never', () => {
  const { expired, add } = create();
  const remove = add('removed', 3_000);
  add('first', 3_000);
  vi.advanceTimersByTime(1_000);
  add('second', 3_000);
  add('short', 500);
  remove();
  vi.advanceTimersByTime(600);
  expect(expired).toEqual(['short']);
  vi.advanceTimersByTime(1_500);
  expect(expired).toEqual(['short', 'first']);
  vi.advanceTimersByTime(1_000);
  expect(expired).toEqual(['short', 'first', 'second']);
});

test('after all are gone, later ones expire too', () => {
  const { expired, add } = create();
  add('removed', 1_000)();
  vi.advanceTimersByTime(900);
  add('later', 1_000);
  vi.advanceTimersByTime(900);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(200);
  add('last', 1_000);
  vi.advanceTimersByTime(1_100);
  expect(expired).toEqual(['later', 'last']);
  expect(vi.getTimerCount()).toBe(0);
});

test('times that differ a little share a timer: what is left of them is never many timers', () => {
  const { expired, add } = create();
  for (let count = 0; count < 1_000; count += 1) add('removed', 9_900 + count / 10)();
  expect(vi.getTimerCount()).toBeLessThanOrEqual(3);
  add('a', 9_990);
  add('b', 9_960.5);
  vi.advanceTimersByTime(9_955);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(90);
  expect(expired).toEqual(['a', 'b']);
  vi.advanceTimersByTime(20_000);
  expect(vi.getTimerCount()).toBe(0);
});

test('what arrived while the process stood still comes before a deadline that passed meanwhile', async () => {
  vi.useRealTimers();
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const receiver = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [sender] = (await once(server, 'connection')) as [typeof receiver];
  const { expired, add } = create();
  const remove = add('answered', 20);
  add('unanswered', 20);
  const answered = once(receiver, 'data').then(remove);
  sender.write('answer');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  await answered;
  while (expired.length === 0) await setImmediate();
  expect(expired).toEqual(['unanswered']);
  receiver.destroy();
  sender.destroy();
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../core/ports/command.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { StorageThread } from './storage-thread.ts';

/** Answers every call with the number of calls that came with it, but dies of one named `die`. */
const entry = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort as port } from 'node:worker_threads';
    port.on('message', (message) => {
      if (message === 'close') return port.close();
      const calls = message.cloned;
      if (calls.some(({ name }) => name === 'die')) throw new Error('crashed');
      const answered = calls.filter(({ name }) => name !== 'hang');
      const outcome = { kind: 'done', value: calls.length };
      const replies = { json: '', cloned: answered.map(({ id }) => ({ id, outcome })) };
      port.postMessage({ kind: 'replies', replies });
    });
    port.postMessage({ kind: 'opened' });
  `)}`,
);

async function startThread(maxPendingItems = 100): Promise<StorageThread> {
  const thread = new StorageThread({ entry, file: '', maxPendingItems, onCommit: () => {} });
  onTestFinished(() => thread.close());
  await thread.start();
  return thread;
}

test('calls of one turn travel together', async () => {
  const thread = await startThread();
  expect(await Promise.all([1, 2, 3].map(() => thread.call('count', [], 1)))).toEqual([3, 3, 3]);
});

test('a thread that dies rejects what it had not answered, and the next call starts another one', async () => {
  const thread = await startThread();
  const pending = [thread.call('hang', [], 1), thread.call('die', [], 1)];
  for (const call of pending) await expect(call).rejects.toThrow(StoreUnavailable);
  expect(await thread.call('count', [], 1)).toBe(1);
});

test('more than the bound is refused at once, and taken again when there is room', async () => {
  const thread = await startThread(10);
  const first = thread.call('count', [], 8);
  await expect(thread.call('count', [], 3)).rejects.toThrow(StoreUnavailable);
  await first;
  await expect(thread.call('count', [], 3)).resolves.toBe(1);
});

test('an input that cannot cross to the thread rejects', async () => {
  const thread = await startThread();
  await expect(thread.call('count', [() => 1], 1)).rejects.toThrow(/could not be cloned/);
  await expect(thread.call('count', [], 1)).resolves.toBe(1);
});

test('what was called before closing is answered, what comes after is refused', async () => {
  const thread = await startThread();
  const before = thread.call('count', [], 1);
  const closed = thread.close();
  await expect(before).resolves.toBe(1);
  await closed;
  await expect(thread.call('count', [], 1)).rejects.toThrow(StoreUnavailable);
});

test('a database that somebody else holds is unavailable, and writing works once it is let go', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pharos-thread-'));
  const file = path.join(folder, 'pharos.db');
  const store = await openSqliteStore({ file });
  const other = new DatabaseSync(file);
  onTestFinished(async () => {
    other.close();
    await store.close();
    await rm(folder, { recursive: true });
  });
  other.exec('BEGIN IMMEDIATE');
  await expect(store.check()).rejects.toThrow(StoreUnavailable);
  other.exec('ROLLBACK');
  await expect(store.check()).resolves.toBeUndefined();
});

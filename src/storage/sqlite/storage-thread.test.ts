import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../core/ports/command.ts';
import { publishBodyPlace } from '../../core/ports/publish-store.ts';
import type { MasterKey } from '../../sealing/keyring.ts';
import { generateMasterKey } from '../../sealing/keyring.ts';
import { createSealer } from '../../sealing/sealer.ts';
import { accept, claimRanges, createAudience, toInterests } from '../testsuite/fixtures.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { StorageThread } from './storage-thread.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

/** Answers every call with the number of calls that came with it or, named `key`, with what it seals with; dies of `die`. */
const entry = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort as port, workerData } from 'node:worker_threads';
    let { sealsWith } = workerData;
    port.on('message', (message) => {
      if (message === 'close') return port.close();
      if (message.newKey) sealsWith = message.newKey;
      const calls = message.cloned;
      if (calls.some(({ name }) => name === 'die')) throw new Error('crashed');
      const answered = calls.filter(({ name }) => name !== 'hang');
      const valueOf = (name) => (name === 'key' ? sealsWith : calls.length);
      const replies = { json: '', cloned: answered.map(({ id, name }) => ({ id, outcome: { kind: 'done', value: valueOf(name) } })) };
      port.postMessage({ kind: 'replies', replies });
    });
    port.postMessage({ kind: 'opened' });
  `)}`,
);

async function startThread(maxPendingItems = 100, sealsWith?: () => MasterKey): Promise<StorageThread> {
  const options = { entry, file: '', maxPendingItems, onCommit: () => {} };
  const thread = new StorageThread({ ...options, ...(sealsWith && { sealsWith }) });
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

test('a thread knows the key that seals at each call, also one that was started in place of another', async () => {
  const keys = [generateMasterKey(), generateMasterKey(), generateMasterKey()] as const;
  let [present] = keys as readonly [MasterKey, ...MasterKey[]];
  const thread = await startThread(100, () => present);
  expect(await thread.call('key', [], 1)).toEqual(keys[0]);
  present = keys[1];
  expect(await thread.call('key', [], 1)).toEqual(keys[1]);
  expect(await thread.call('key', [], 1)).toEqual(keys[1]);
  present = keys[2];
  await expect(thread.call('die', [], 1)).rejects.toThrow(StoreUnavailable);
  expect(await thread.call('key', [], 1)).toEqual(keys[2]);
});

test('publishes are sealed by the thread that writes them, with the key that seals when they are accepted', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pharos-thread-'));
  const [old, fresh] = [generateMasterKey(), generateMasterKey()];
  const sealer = createSealer([old]);
  const store = await openSqliteStore({ file: path.join(folder, 'pharos.db'), sealer });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const instanceId = await createAudience(store);
  const before = await accept(store, instanceId, toInterests('a'));
  sealer.use([fresh, old]);
  const after = await accept(store, instanceId, toInterests('a'));
  const bodies = (await claimRanges(store, instanceId)).map((range) => {
    const keyId = Buffer.from(range.body).toString('hex', 1, 5);
    return [range.publishId, keyId, JSON.parse(sealer.open(publishBodyPlace(range), range.body).toString())];
  });
  expect(bodies).toEqual([
    [before.publishId, old.id, { content: {} }],
    [after.publishId, fresh.id, { content: {} }],
  ]);
});

test('more than the bound is refused at once, and taken again when there is room', async () => {
  const thread = await startThread(10);
  const first = thread.call('count', [], 8);
  await expect(thread.call('count', [], 3)).rejects.toThrow(StoreUnavailable);
  await first;
  await expect(thread.call('count', [], 3)).resolves.toBe(1);
});

test('an input that cannot cross to the thread rejects, and no call beside it', async () => {
  const thread = await startThread();
  const together = [thread.call('count', [], 1), thread.call('count', [() => 1], 1), thread.call('count', [], 1)];
  await expect(together[1]).rejects.toThrow(/could not be cloned/);
  expect(await Promise.all([together[0], together[2]])).toEqual([1, 1]);
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
  const store = await openSqliteStore({ sealer: testSealer, file });
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

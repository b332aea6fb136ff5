import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { Store } from '../../core/ports/store.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const hour = { limit: 10, leaseMs: 3_600_000 };

async function claimMessages(store: Store) {
  const targets = (await store.listTurns(10)).map((target) => ({ ...target, room: 10, restMs: hour.leaseMs }));
  return runOne(store.claimMessages, { ...hour, targets });
}

test('what an ended process had claimed is due at once, and its claims are void', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pharos-claims-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'pharos.db');
  const first = await openSqliteStore({ sealer: testSealer, file });
  const instanceId = randomUUID();
  const device = { instanceId, platform: 'web', address: 'a', keys: new Uint8Array(), metadata: '{}' } as const;
  const deviceId = randomUUID();
  await runOne(first.registerDevices, { ...device, deviceId });
  await runOne(first.addInterests, { ...device, deviceId, interest: 'a', maxInterests: 1 });
  const accept = () =>
    runOne(first.acceptPublishes, {
      instanceId,
      publishId: uuidV7(),
      target: { kind: 'interests', interests: ['a'] },
      platforms: ['web'],
      body: { content: {} },
      urlTarget: 'url:a',
    });
  await accept();
  const [range] = await runOne(first.claimRanges, hour);
  if (!range) throw new Error('no range');
  const outcome = { kind: 'deferred', retryInMs: hour.leaseMs, attempts: 1, claimToken: randomUUID() } as const;
  const delivery = { deviceNumber: 1, platform: 'web', userNumber: null, address: 'a', outcome } as const;
  await runOne(first.recordPages, { ...range, deliveries: [delivery], next: null, leaseMs: 0 });
  await accept();
  const [lostRange] = await runOne(first.claimRanges, hour);
  const messages = await claimMessages(first);
  expect(messages).toHaveLength(2);
  const targets = messages.slice(0, 1).map((target) => ({ ...target, room: 0, restMs: hour.leaseMs }));
  await runOne(first.claimMessages, { ...hour, targets });
  await first.close();
  // As versions that wrote each claim have left it.
  const db = new DatabaseSync(file);
  db.prepare('UPDATE messages SET claim_token = ?, due_at = ? WHERE id = ?').run(
    ...[randomUUID(), Date.now() + hour.leaseMs, messages[1]?.messageId ?? ''],
  );
  db.close();

  const second = await openSqliteStore({ sealer: testSealer, file });
  onTestFinished(() => second.close());
  await expect.poll(() => second.nextDue()).toEqual({ ranges: 0, deliveries: 0, messages: 0, replays: null });
  if (!lostRange) throw new Error('no range');
  const late = { ...lostRange, deliveries: [], next: null, leaseMs: 0 };
  expect(await runOne(second.recordPages, late)).toEqual({ kind: 'stale' });
  expect(await runOne(second.claimRanges, hour)).toHaveLength(1);
  expect(await runOne(second.claimDeliveries, hour)).toHaveLength(1);
  const done = { attempt: null, next: { kind: 'delivered' } as const };
  for (const message of messages) expect(await runOne(second.completeAttempts, { ...message, ...done })).toBe('stale');
  expect(await claimMessages(second)).toHaveLength(2);
});

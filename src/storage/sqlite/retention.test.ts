import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import { accept, createInstance, register, toUsers } from '../testsuite/fixtures.ts';
import { chanceUuidV7 } from '../../protocol/uuid-v7.ts';
import { migrate } from './migrate.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { prepareRetentionCommands } from './retention.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const dayMs = 86_400_000;

/** The database of a store, and every statement that a step runs, with its plan. */
function planning() {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  migrate(db);
  const sqls: string[] = [];
  const recording = new Proxy(db, {
    get: (target, name) => (name === 'prepare' ? (sql: string) => (sqls.push(sql), target.prepare(sql)) : undefined),
  });
  prepareRetentionCommands(recording, { write() {} });
  const planOf = (sql: string) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']));
  return { sqls, planOf };
}

test('each statement finds its rows by an index, in order', () => {
  const { sqls, planOf } = planning();
  expect(sqls.length).toBeGreaterThan(15);
  for (const sql of sqls) {
    const plan = planOf(sql).filter((detail) => !/SUBQUERY|SCALAR|CORRELATED|BLOOM FILTER/.test(detail));
    for (const detail of plan) expect(detail, sql).toMatch(/^SEARCH .* USING /);
  }
});

test('rows older than the limit go, younger ones stay', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pharos-retention-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'pharos.db');
  const now = Date.now();
  const at = (days: number) => now - days * dayMs;
  const store = await openSqliteStore({ sealer: testSealer, file });
  onTestFinished(() => store.close());
  const instanceId = await createInstance(store);
  const db = new DatabaseSync(file, { timeout: 5_000 });
  onTestFinished(() => db.close());
  const insertPublish = db.prepare(
    `INSERT INTO publishes (instance_id, id, accepted_at, target_kind, audience, platforms, body, finished_at)
     VALUES (?, ?, ?, 'interests', '{}', '["web"]', x'00', ?)`,
  );
  const insertMessage = db.prepare(
    `INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, state, attempts, due_at)
     VALUES (?, ?, ?, 'somebody', 'v1.UserNotificationOpen', ?, ?, ?, ?, 1, ?)`,
  );
  const days = [0, 29, 31, 32, 100];
  const publishes = days.map((age) => ({ age, id: chanceUuidV7(at(age)) }));
  for (const { age, id } of publishes) {
    insertPublish.run(instanceId, id, at(age), at(age));
    const message = chanceUuidV7(at(age));
    insertMessage.run(instanceId, Math.floor(at(age) / dayMs), message, randomUUID(), at(age), id, 'delivered', null);
  }
  const waiting = chanceUuidV7(at(100));
  const about = publishes.at(-1)?.id as string;
  insertMessage.run(instanceId, Math.floor(at(100) / dayMs), waiting, randomUUID(), at(100), about, 'waiting', at(99));

  while ((await runOne(store.deleteExpired, { instanceId, before: at(30), maxRows: 2 })).more);
  const { messages } = await store.listMessages({ instanceId, limit: 100 });
  expect(messages.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'waiting']);
  for (const { age, id } of publishes) {
    const kept = (await store.summarizePublish({ instanceId, publishId: id })) !== null;
    expect([age, kept]).toEqual([age, age < 30 || id === about]);
  }
});

test('nothing of an erased name is left in the file', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pharos-erased-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'pharos.db');
  const store = await openSqliteStore({ sealer: testSealer, file });
  const instanceId = await createInstance(store);
  const [erased, kept] = ['erased-person@site.example', 'kept-person@site.example'];
  for (const user of [erased, kept]) {
    await register(store, instanceId, { user });
    await accept(store, instanceId, toUsers(user));
  }
  await runOne(store.eraseUsers, { instanceId, user: erased });
  await store.close();
  const bytes = readFileSync(file);
  expect(bytes.includes(kept)).toBe(true);
  expect(bytes.includes(erased)).toBe(false);
});

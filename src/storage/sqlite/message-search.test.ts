import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createMessageLeases } from './message-leases.ts';
import { prepareMessageQueries } from './message-queries.ts';
import { migrate } from './migrate.ts';
import { prepareReplayCommands } from './replays.ts';
import { createUndoLog } from './undo-log.ts';

function openEmpty(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  migrate(db);
  return db;
}

test('each statement finds its rows by an index, in order', () => {
  const db = openEmpty();
  const sqls: string[] = [];
  const recording = new Proxy(db, {
    get: (target, name) => (name === 'prepare' ? (sql: string) => (sqls.push(sql), target.prepare(sql)) : undefined),
  });
  prepareMessageQueries(recording);
  prepareReplayCommands(recording, createMessageLeases(createUndoLog()));
  expect(sqls.length).toBeGreaterThan(20);
  for (const sql of sqls.filter((statement) => !statement.startsWith('INSERT'))) {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    for (const { detail } of plan) {
      const isFine = /^SEARCH .* USING |^CO-ROUTINE|^SCAN \(subquery|SCALAR SUBQUERY/.test(String(detail));
      // What is claimed is left out; attempts of a message, and messages of an event: those are few, and sorted.
      const isFew =
        /^LIST SUBQUERY|^CREATE BLOOM|json_each|^COMPOUND QUERY|^LEFT-MOST SUBQUERY|^UNION ALL/.test(String(detail)) ||
        /FROM attempts|messages_by_event/.test(sql);
      expect([sql, detail, isFine || isFew]).toEqual([sql, detail, true]);
    }
  }
});

test('a search of what is rare ends after some ten thousand messages, and goes on where it ended', () => {
  const db = openEmpty();
  const instanceId = randomUUID();
  // One a minute; the first is another event than all that follow.
  db.prepare(
    `WITH RECURSIVE written (n, at) AS (SELECT 0, 1700000000000 UNION ALL SELECT n + 1, at + 60000 FROM written WHERE n < 12000)
     INSERT INTO messages (instance_id, day, id, target, event_type, event_id, event_at, publish_id, state, attempts, due_at)
     SELECT ?, at / 86400000, printf('%08x-%04x-7000-8000-%012x', at >> 16, at & 65535, n), 'somebody',
       CASE n WHEN 0 THEN 'v1.UserNotificationOpen' ELSE 'v1.NotificationDisplayed' END,
       printf('event %d', n), at, 'publish', 'delivered', 0, NULL FROM written`,
  ).run(instanceId);
  const { listMessages } = prepareMessageQueries(db);
  const search = (before?: string) =>
    listMessages({ instanceId, eventType: 'v1.UserNotificationOpen', limit: 10, ...(before && { before }) }, []);
  const first = search();
  expect(first.messages).toEqual([]);
  if (first.next === null) throw new Error('the search is not over');
  const second = search(first.next);
  expect(second).toMatchObject({ messages: [{ eventAt: 1_700_000_000_000 }], next: null });
  // What is known to be old is not looked for among what is young, and the other way round.
  expect(listMessages({ instanceId, until: 1_700_000_000_001, limit: 10 }, [])).toMatchObject({ next: null });
  expect(listMessages({ instanceId, eventType: 'v1.UserNotificationOpen', since: Date.now(), limit: 10 }, [])).toEqual({
    messages: [],
    next: null,
  });
});

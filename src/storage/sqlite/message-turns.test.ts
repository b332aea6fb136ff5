import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createMessageLeases } from './message-leases.ts';
import { prepareHurryTurn, prepareTurns } from './message-turns.ts';
import { migrate } from './migrate.ts';
import { createUndoLog } from './undo-log.ts';

test('a target keeps its turn when a lease ends while its next turn is looked for', () => {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  migrate(db);
  // Each look at the clock is a millisecond later.
  let now = 1_000;
  const leases = createMessageLeases(createUndoLog(), () => (now += 1));
  const target = { instanceId: 'shop', target: 'hook' };
  const about = { eventType: 'v1.UserNotificationOpen', publishId: null, userNumber: null, attempts: 0 } as const;
  leases.add({ ...target, messageId: 'message', row: 1, claimToken: 'a', endsAt: 1_002, ...about });
  prepareHurryTurn(db)(target, 1_000);
  prepareTurns(db, leases).setToFirst(target);
  expect(db.prepare('SELECT turn_at FROM message_turns').all()).toEqual([{ turn_at: 1_002 }]);
});

import type { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../core/ports/store.ts';
import { prepare } from './statement.ts';

export type DueTimes = Awaited<ReturnType<Store['nextDue']>>;

export function prepareNextDue(db: DatabaseSync): () => DueTimes {
  const selectDue = prepare<DueTimes>(
    db,
    `SELECT (SELECT min(due_at) FROM ranges) AS ranges,
            (SELECT min(due_at) FROM deferred_deliveries) AS deliveries,
            (SELECT min(turn_at) FROM message_turns) AS messages,
            (SELECT min(due_at) FROM replays WHERE due_at IS NOT NULL) AS replays`,
  );
  return () => {
    const due = selectDue.get() ?? { ranges: null, deliveries: null, messages: null, replays: null };
    const now = Date.now();
    const wait = (dueAt: number | null) => (dueAt === null ? null : Math.max(0, dueAt - now));
    return {
      ranges: wait(due.ranges),
      deliveries: wait(due.deliveries),
      messages: wait(due.messages),
      replays: wait(due.replays),
    };
  };
}

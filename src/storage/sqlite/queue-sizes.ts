import type { DatabaseSync } from 'node:sqlite';
import type { Queue, QueueQueries, QueueSize } from '../../core/ports/queue-store.ts';
import type { QueryHandlers } from './handlers.ts';
import type { KnowingLeases } from './lease-queries.ts';
import { rowsOf } from './lease-queries.ts';
import type { LiveLease } from './message-leases.ts';
import { prepare } from './statement.ts';

const maxCounted = 1_000_000;
/** What may be due, and how the time of the oldest is found in each. */
const queues: Readonly<Record<Queue, { readonly from: string; readonly findOldest: string }>> = {
  messages: {
    from: 'message_turns CROSS JOIN messages INDEXED BY messages_by_target_due USING (instance_id, target)',
    findOldest: `SELECT min((SELECT min(due_at) FROM messages INDEXED BY messages_by_target_due
      WHERE due_at IS NOT NULL AND instance_id = t.instance_id AND target = t.target
        AND rowid NOT IN (SELECT value FROM json_each(?)))) AS due_at FROM message_turns t`,
  },
  ranges: ofTable('ranges INDEXED BY ranges_by_due'),
  deliveries: ofTable('deferred_deliveries INDEXED BY deferred_deliveries_by_due'),
};

function ofTable(from: string) {
  return { from, findOldest: `SELECT min(due_at) AS due_at FROM ${from} WHERE due_at IS NOT NULL` };
}

export function prepareQueueQueries(db: DatabaseSync): KnowingLeases<QueryHandlers<QueueQueries>> {
  const measures = Object.entries(queues).map(
    ([queue, { from, findOldest }]) => [queue, prepareMeasure(db, from, findOldest)] as const,
  );
  const countOthers = prepare<{ disabled_webhooks: number; running_replays: number }>(
    db,
    `SELECT (SELECT count(*) FROM webhooks WHERE disabled_at IS NOT NULL) AS disabled_webhooks,
            (SELECT count(*) FROM replays INDEXED BY replays_by_due WHERE due_at IS NOT NULL) AS running_replays`,
  );
  return {
    measureLoad: (live) => {
      const now = Date.now();
      const sizes = measures.map(([queue, measure]) => [queue, measure(now, queue === 'messages' ? live : null)]);
      const others = countOthers.get();
      return {
        queues: Object.fromEntries(sizes) as Record<Queue, QueueSize>,
        disabledWebhooks: others?.disabled_webhooks ?? 0,
        runningReplays: others?.running_replays ?? 0,
      };
    },
  };
}

/** What is claimed without its rows saying so; null: nothing is. */
type Live = readonly LiveLease[] | null;

function prepareMeasure(db: DatabaseSync, from: string, oldest: string): (now: number, live: Live) => QueueSize {
  const prepareCount = (condition: string) =>
    prepare<{ count: number }>(
      db,
      `SELECT count(*) AS count FROM (SELECT 1 FROM ${from} WHERE due_at IS NOT NULL AND ${condition} LIMIT ${maxCounted})`,
    );
  const countDue = prepareCount('due_at <= ?');
  const countLater = prepareCount('due_at > ?');
  const findOldest = prepare<{ due_at: number | null }>(db, oldest);
  return (now, live) => {
    const claimed = live?.length ?? 0;
    const oldest = findOldest.get(...(live ? [rowsOf(live)] : []));
    return {
      due: Math.max(0, (countDue.get(now)?.count ?? 0) - claimed),
      later: (countLater.get(now)?.count ?? 0) + claimed,
      oldestDueMs: Math.max(0, now - (oldest?.due_at ?? now)),
    };
  };
}

import type { Queue, QueueQueries, QueueSize } from '../../core/ports/queue-store.ts';
import type { Sql } from './database.ts';
import type { QueryHandlers } from './handlers.ts';
import { withTargets } from './message-claims.ts';

/** Pages of a table that are looked at: some 20,000 rows. Smaller tables are counted exactly. */
const pagesLookedAt = 300;

const measure = (table: string, findOldest: string): readonly [string, string] => [
  `SELECT pg_relation_size('${table}') / current_setting('block_size')::bigint AS pages`,
  // Of a part of the pages, in percent.
  `SELECT count(*) FILTER (WHERE due_at <= pharos_now()) AS due,
     count(*) FILTER (WHERE due_at > pharos_now() OR due_at IS NULL) AS later,
     pharos_now() - (${findOldest}) AS oldest
   FROM ${table} TABLESAMPLE SYSTEM ($1)`,
];
const findOldestMessage = `${withTargets} SELECT min(due_at) FROM target`;

const measures: Readonly<Record<Queue, readonly [string, string]>> = {
  messages: measure('message_queue', findOldestMessage),
  ranges: measure('ranges', 'SELECT min(due_at) FROM ranges WHERE pages >= 0'),
  deliveries: measure('deferred_deliveries', 'SELECT min(due_at) FROM deferred_deliveries'),
};
const countOthers = `
  SELECT (SELECT count(*) FROM webhooks WHERE disabled_at IS NOT NULL) AS disabled_webhooks,
         (SELECT count(*) FROM replays WHERE due_at IS NOT NULL) AS running_replays`;

export const queueQueries: QueryHandlers<QueueQueries> = {
  measureLoad: async (sql) => {
    const queues: Partial<Record<Queue, QueueSize>> = {};
    for (const [queue, statements] of Object.entries(measures) as [Queue, readonly [string, string]][]) {
      queues[queue] = await measureQueue(sql, statements);
    }
    const others = await sql.get<{ disabled_webhooks: number; running_replays: number }>(countOthers);
    return {
      queues: queues as Record<Queue, QueueSize>,
      disabledWebhooks: others?.disabled_webhooks ?? 0,
      runningReplays: others?.running_replays ?? 0,
    };
  },
};

/** What it costs does not grow with the queue. */
async function measureQueue(sql: Sql, [findSize, statement]: readonly [string, string]): Promise<QueueSize> {
  const size = await sql.get<{ pages: number }>(findSize);
  const share = Math.min(1, pagesLookedAt / Math.max(1, size?.pages ?? 0));
  const row = await sql.get<{ due: number; later: number; oldest: number | null }>(statement, [share * 100]);
  const ofAll = (count = 0): number => Math.round(count / share);
  return { due: ofAll(row?.due), later: ofAll(row?.later), oldestDueMs: Math.max(0, row?.oldest ?? 0) };
}

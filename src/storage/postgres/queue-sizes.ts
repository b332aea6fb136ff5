import type { Queue, QueueQueries, QueueSize } from '../../core/ports/queue-store.ts';
import type { QueryHandlers } from './commands.ts';
import type { Sql } from './database.ts';
import { withTargets } from './message-claims.ts';

const maxCounted = 1_000_000;

const count = (table: string, condition: string): string =>
  `(SELECT count(*) FROM (SELECT FROM ${table} WHERE ${condition} LIMIT ${maxCounted}) AS counted)`;
const measure = (table: string, findOldest: string): string => `
  SELECT ${count(table, 'due_at <= pharos_now()')} AS due,
    ${count(table, 'due_at > pharos_now() OR due_at IS NULL')} AS later,
    pharos_now() - (${findOldest}) AS oldest`;
const findOldestMessage = `${withTargets} SELECT min(due_at) FROM target`;

const measures: Readonly<Record<Queue, string>> = {
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
    for (const [queue, statement] of Object.entries(measures) as [Queue, string][]) {
      queues[queue] = await measureQueue(sql, statement);
    }
    const others = await sql.get<{ disabled_webhooks: number; running_replays: number }>(countOthers);
    return {
      queues: queues as Record<Queue, QueueSize>,
      disabledWebhooks: others?.disabled_webhooks ?? 0,
      runningReplays: others?.running_replays ?? 0,
    };
  },
};

async function measureQueue(sql: Sql, statement: string): Promise<QueueSize> {
  const row = await sql.get<{ due: number; later: number; oldest: number | null }>(statement);
  return { due: row?.due ?? 0, later: row?.later ?? 0, oldestDueMs: Math.max(0, row?.oldest ?? 0) };
}

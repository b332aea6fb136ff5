import { leastUuid } from '../rows/uuid-bounds.ts';

/** A table of the PostgreSQL database, and where its rows come from in an SQLite database. */
export interface CopiedTable {
  readonly name: string;
  /** Where they come from, when that is another table or not all of it. */
  readonly from?: { readonly table: string; readonly where: string; readonly key: readonly string[] };
  /** Columns that are not there by their name: what they are instead. `:now` is when the copy began. */
  readonly columns?: Readonly<Record<string, string>>;
}

// What the stopped server had claimed is due now: nobody will complete it.
const released = {
  claim_token: 'NULL',
  due_at: 'CASE WHEN claim_token IS NULL THEN due_at ELSE min(due_at, :now) END',
};

/**
 * All that is copied, a table at a time. Left out: who has to rest, which the server that stopped knew, and what belongs
 * to nodes.
 */
export const copiedTables: readonly CopiedTable[] = [
  { name: 'instances' },
  { name: 'gateway_credentials' },
  { name: 'webhooks' },
  { name: 'webhook_health' },
  { name: 'webhook_subscriptions' },
  { name: 'users' },
  { name: 'devices' },
  { name: 'device_counts' },
  { name: 'device_interests' },
  { name: 'device_tags' },
  { name: 'publishes', columns: { ranges: '1' } },
  { name: 'publish_outcomes' },
  { name: 'publish_users' },
  { name: 'idempotency_keys' },
  { name: 'ranges', columns: { ...released, first_place: '0' } },
  { name: 'deferred_deliveries', columns: released },
  { name: 'push_origins' },
  { name: 'reports' },
  { name: 'ignored_reports' },
  { name: 'events' },
  // Positions are microseconds since 1970; those of PostgreSQL go on behind them.
  { name: 'feeds', columns: { complete_since: 'complete_after / 1000' } },
  {
    name: 'messages',
    // Of a message that waits, what changes with its attempts is in the queue alone.
    columns: {
      attempts: "CASE WHEN state = 'waiting' AND due_at IS NOT NULL THEN earlier_attempts ELSE attempts END",
      batch_id: "CASE WHEN state = 'waiting' AND due_at IS NOT NULL THEN NULL ELSE batch_id END",
    },
  },
  {
    name: 'message_queue',
    from: { table: 'messages', where: "state = 'waiting' AND due_at IS NOT NULL", key: ['instance_id', 'day', 'id'] },
    columns: { ...released, message_id: 'id', tries: 'attempts - earlier_attempts' },
  },
  { name: 'attempts' },
  { name: 'replays', columns: { cursor: `CASE cursor WHEN '' THEN '${leastUuid}' ELSE cursor END` } },
];

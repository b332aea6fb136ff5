import type { DropExpiredDays } from '../../core/ports/retention-store.ts';
import { dayOf } from '../rows/day.ts';
import type { Sql } from './database.ts';
import type { Partition } from './partitions.ts';
import { listPartitions, lockPartitions } from './partitions.ts';

/** Whoever waits for a lock holds up those who come after; it is tried again later. */
const lockTimeoutMs = 250;

// FINISHED that waits for STARTED has no row of its own, and may be of a later day.
const findWaiting = `
  SELECT 1 FROM message_queue
  WHERE day = $1 OR (day < $1 AND tries = 0 AND starts_with(target, 'url:')) LIMIT 1`;

/**
 * Drops the oldest partition whose day is over and in which nothing waits, if there is one. Messages and their attempts
 * of a day in which something waits are left to `deleteExpired`.
 */
export async function dropExpiredDay(sql: Sql, { before }: DropExpiredDays): Promise<{ readonly more: boolean }> {
  await lockPartitions(sql);
  await sql.script(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  for (const partition of await listPartitions(sql)) {
    if (partition.day >= dayOf(before)) break;
    if (await isNeeded(sql, partition)) continue;
    await sql.script(`LOCK TABLE ${partition.name} IN ACCESS EXCLUSIVE MODE`);
    // Somebody may have sent a message again meanwhile; from now on nobody can.
    if (await isNeeded(sql, partition)) continue;
    await shortenFeeds(sql, partition);
    await sql.script(`DROP TABLE ${partition.name}`);
    return { more: true };
  }
  return { more: false };
}

async function isNeeded(sql: Sql, { table, day }: Partition): Promise<boolean> {
  if (table === 'events' || table === 'reports') return false;
  return (await sql.get(findWaiting, [day])) !== undefined;
}

/** Readers of feeds are told that they missed what they had not read by now. */
async function shortenFeeds(sql: Sql, { table, name }: Partition): Promise<void> {
  if (table !== 'events' && table !== 'reports') return;
  await sql.run(
    `UPDATE feeds f SET complete_after = greatest(f.complete_after, e.last)
     FROM (SELECT g.instance_id, (SELECT feed_transaction FROM ${name}
         WHERE instance_id = g.instance_id AND feed_transaction IS NOT NULL ORDER BY feed_transaction DESC LIMIT 1) AS last
       FROM feeds g) e
     WHERE f.instance_id = e.instance_id AND e.last IS NOT NULL`,
  );
}

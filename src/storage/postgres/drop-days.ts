import type { DropExpiredDays } from '../../core/ports/retention-store.ts';
import { dayOf } from '../rows/day.ts';
import type { Sql } from './database.ts';
import type { Partition } from './partitions.ts';
import { shortenFeeds } from './feed-switch.ts';
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
    if (partition.table === 'events' || partition.table === 'reports') {
      await shortenFeeds(sql, partition.table, partition.name);
    }
    await sql.script(`DROP TABLE ${partition.name}`);
    return { more: true };
  }
  return { more: false };
}

async function isNeeded(sql: Sql, { table, day }: Partition): Promise<boolean> {
  if (table === 'events' || table === 'reports') return false;
  return (await sql.get(findWaiting, [day])) !== undefined;
}

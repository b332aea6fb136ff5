import type { Sql } from './database.ts';

const turnOn = `
  INSERT INTO feeds (instance_id, complete_after, complete_since, is_on)
  VALUES ($1, pharos_feed_position(), pharos_now(), true)
  ON CONFLICT (instance_id) DO UPDATE SET complete_after = excluded.complete_after,
    complete_since = excluded.complete_since, is_on = true
  WHERE NOT feeds.is_on`;

/** Turns a feed on or off. What happens while it is off is not in it. */
export const turnFeed = (sql: Sql, instanceId: string, on: boolean): Promise<number> =>
  sql.run(on ? turnOn : 'UPDATE feeds SET is_on = false WHERE instance_id = $1', [instanceId]);

const shorten = `
  UPDATE feeds SET complete_after = greatest(complete_after, $2), complete_since = greatest(complete_since, $3)
  WHERE instance_id = $1`;

/** Events of the feed up to a position, and until a time, are not all kept any more: readers who had not read them are told. */
export const shortenFeed = (
  sql: Sql,
  instanceId: string,
  { position, at }: { readonly position: number; readonly at: number },
): Promise<number> => sql.run(shorten, [instanceId, position, at]);

const timeOf = { events: 'happened_at', reports: 'received_at' } as const;

/** The same for all feeds, before a partition of `events` or `reports` goes. */
export async function shortenFeeds(sql: Sql, table: keyof typeof timeOf, partition: string): Promise<void> {
  await sql.run(
    `UPDATE feeds f SET complete_after = greatest(f.complete_after, last.feed_position),
       complete_since = greatest(f.complete_since, last.at)
     FROM feeds g CROSS JOIN LATERAL (
         SELECT feed_position, ${timeOf[table]} AS at FROM ${partition}
         WHERE instance_id = g.instance_id AND feed_position IS NOT NULL ORDER BY feed_position DESC LIMIT 1
       ) last
     WHERE f.instance_id = g.instance_id`,
  );
}

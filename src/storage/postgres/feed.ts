import { setTimeout as delay } from 'node:timers/promises';
import type { FeedEvent, FeedPage, FeedQueries, FeedStart } from '../../core/ports/feed-store.ts';
import type { FeedEventRow, FeedReportRow, FeedRow } from '../rows/feed-row.ts';
import { fromEvent, fromReport } from '../rows/feed-row.ts';
import type { Sql } from './database.ts';
import type { FeedPlace } from './feed-place.ts';
import { comparePlaces, endOf, placeBefore, placeFromCursor, toCursor } from './feed-place.ts';

type ReadFeed = Parameters<FeedQueries['readFeed']>[0];

const findFeed = `
  SELECT complete_after, complete_since, pharos_feed_end() AS end FROM feeds WHERE instance_id = $1 AND is_on`;
const listReports = `
  SELECT r.feed_position AS position, r.event_id, r.received_at AS event_at, r.publish_id, r.kind, r.action,
    r.user_number, u.name AS user, d.platform, d.id AS device_id
  FROM (SELECT * FROM reports
      WHERE instance_id = $1 AND feed_position IS NOT NULL AND (feed_position, event_id) > ($2, $3)
      ORDER BY feed_position, event_id LIMIT $4) r
    LEFT JOIN users u ON u.number = r.user_number LEFT JOIN devices d ON d.number = r.device_number`;
const listEvents = `
  SELECT feed_position AS position, id AS event_id, happened_at AS event_at, publish_id, type, details FROM events
  WHERE instance_id = $1 AND feed_position IS NOT NULL AND (feed_position, id) > ($2, $3)
  ORDER BY feed_position, id LIMIT $4`;

/** An answer, and what it does not have yet because somebody may still write before it. */
interface Reading {
  readonly page: FeedPage | 'off' | 'malformed-cursor';
  /** Events before this position are in the answer. */
  readonly end: number;
  /** Last position of an event that is committed and, by its limit, would be in the page. */
  readonly newest: number | null;
}

/**
 * Reads a page. Only what no transaction can come before any more is in it; what was committed and has to wait for
 * others' transactions is waited for, so that who knows of an event finds it, unless one of them takes long.
 */
export async function readFeed(
  transaction: (work: (sql: Sql) => Promise<Reading>) => Promise<Reading>,
  query: ReadFeed,
): ReturnType<FeedQueries['readFeed']> {
  const read = () => transaction((sql) => readNow(sql, query));
  const deadline = performance.now() + maxWaitMs;
  const first = await read();
  let reading = first;
  const isWaitedFor = () => first.newest !== null && reading.end <= first.newest;
  while (isWaitedFor() && performance.now() < deadline) {
    await delay(retryAfterMs);
    reading = await read();
  }
  return reading.page;
}

const maxWaitMs = 2_000;
const retryAfterMs = 20;

async function readNow(sql: Sql, { instanceId, start, limit }: ReadFeed): Promise<Reading> {
  const feed = await sql.get<{ complete_after: number; complete_since: number; end: number | null }>(findFeed, [
    instanceId,
  ]);
  if (!feed) return { page: 'off', end: 0, newest: null };
  const end = feed.end ?? Number.MAX_SAFE_INTEGER;
  const asked = await readStart(sql, { instanceId, start, end });
  if (asked === null) return { page: 'malformed-cursor', end, newest: null };
  const newest = async () => (await placeBefore(sql, instanceId, end)) ?? endOf(feed.complete_after);
  // A cursor from after the backup that was restored: what it had seen is gone, and nothing has happened since.
  const after = asked === 'now' ? await newest() : asked.position < end ? asked : earlier(asked, await newest());
  const committed = await readAfter(sql, instanceId, after, limit);
  const page = committed.filter(({ place }) => place.position < end);
  const last = page.at(-1);
  return {
    page: {
      events: page.map(({ event }) => event),
      // Behind all that there was, also what is not kept: nobody is told of it who has seen the end.
      cursor: last ? last.event.cursor : toCursor(later(after, endOf(feed.complete_after))),
      more: page.length === limit,
      truncated:
        start.kind === 'time'
          ? start.at <= feed.complete_since
          : start.kind === 'cursor' && asked !== 'now' && asked.position < feed.complete_after,
    },
    end,
    newest: committed.at(-1)?.place.position ?? null,
  };
}

const earlier = (one: FeedPlace, other: FeedPlace): FeedPlace => (comparePlaces(one, other) < 0 ? one : other);
const later = (one: FeedPlace, other: FeedPlace): FeedPlace => (comparePlaces(one, other) < 0 ? other : one);

/** Committed events after a place, in the order of the feed. */
async function readAfter(
  sql: Sql,
  instanceId: string,
  after: FeedPlace,
  limit: number,
): Promise<readonly { readonly place: FeedPlace; readonly event: FeedEvent }[]> {
  const values = [instanceId, after.position, after.eventId, limit];
  const reports = await sql.all<FeedReportRow>(listReports, values);
  const events = await sql.all<FeedEventRow>(listEvents, values);
  const pointOf = (row: FeedRow) => ({ instanceId, cursor: toCursor(toPlace(row)) });
  return [
    ...reports.map((row) => ({ place: toPlace(row), event: fromReport(row, pointOf(row)) })),
    ...events.map((row) => ({ place: toPlace(row), event: fromEvent(row, pointOf(row)) })),
  ]
    .sort((one, other) => comparePlaces(one.place, other.place))
    .slice(0, limit);
}

const toPlace = (row: FeedRow): FeedPlace => ({ position: row.position, eventId: row.event_id });

interface Asked {
  readonly instanceId: string;
  readonly start: FeedStart;
  readonly end: number;
}

/** The place after which the reader wants to have events; null when that is no cursor. */
async function readStart(sql: Sql, { instanceId, start, end }: Asked): Promise<FeedPlace | 'now' | null> {
  switch (start.kind) {
    case 'beginning':
      return endOf(0);
    case 'now':
      return 'now';
    case 'time':
      return findPlaceBefore(sql, { instanceId, at: start.at, end });
    case 'cursor':
      return placeFromCursor(start.cursor);
  }
}

/** Longer than any transaction takes from its first statement to its commit. */
const maxTransactionMs = 15_000;

const nextAfter = `
  SELECT position, at FROM (
    (SELECT feed_position AS position, received_at AS at FROM reports
     WHERE instance_id = $1 AND feed_position >= $2 ORDER BY feed_position LIMIT 1)
    UNION ALL
    (SELECT feed_position, happened_at FROM events
     WHERE instance_id = $1 AND feed_position >= $2 ORDER BY feed_position LIMIT 1)
  ) e ORDER BY position LIMIT 1`;
const firstSince = `
  SELECT least(
    (SELECT min(feed_position) FROM reports
     WHERE instance_id = $1 AND feed_position >= $2 AND feed_position < $3 AND received_at >= $4),
    (SELECT min(feed_position) FROM events
     WHERE instance_id = $1 AND feed_position >= $2 AND feed_position < $3 AND happened_at >= $4)) AS position`;

/**
 * Behind the last event before a time; `now` when there is none since. Positions are nearly in the order of the times of
 * their events, apart by no more than transactions take: near enough to look for the time by halves.
 */
async function findPlaceBefore(
  sql: Sql,
  { instanceId, at, end }: { readonly instanceId: string; readonly at: number; readonly end: number },
): Promise<FeedPlace | 'now'> {
  const halve = async (time: number, from: number): Promise<number> => {
    let [low, high] = [from, end];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const next = await sql.get<{ position: number; at: number }>(nextAfter, [instanceId, middle]);
      if (!next || next.position >= high || next.at >= time) high = middle;
      else low = next.position + 1;
    }
    return low;
  };
  const from = await halve(at - maxTransactionMs, 0);
  const until = await halve(at + maxTransactionMs, from);
  const values = [instanceId, from, until, at];
  const early = (await sql.get<{ position: number | null }>(firstSince, values))?.position;
  const first = early ?? (await sql.get<{ position: number }>(nextAfter, [instanceId, until]))?.position;
  return first !== undefined && first < end ? endOf(first - 1) : 'now';
}

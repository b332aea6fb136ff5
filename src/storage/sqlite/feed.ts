import type { DatabaseSync } from 'node:sqlite';
import type { FeedQueries, FeedStart } from '../../core/ports/feed-store.ts';
import type { FeedEventRow, FeedReportRow, FeedRow } from '../rows/feed-row.ts';
import { fromEvent, fromReport } from '../rows/feed-row.ts';
import type { QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

/**
 * Positions in a feed are the time of the commit in microseconds, or one more than the last position. There is one writer, so
 * they are in the order of commits; being times, they grow also over a restored backup.
 */
const positionOf = (at: number): number => at * 1000;

/** The position of an instance's next event; null when it has no feed. */
export function prepareTakeFeedPosition(db: DatabaseSync): (instanceId: string) => number | null {
  const take = prepare<{ position: number }>(
    db,
    'UPDATE feeds SET position = max(position + 1, ?) WHERE instance_id = ? AND is_on = 1 RETURNING position',
  );
  return (instanceId) => take.get(positionOf(Date.now()), instanceId)?.position ?? null;
}

/** Turns a feed on or off. What happens while it is off is not in it. */
export function prepareSwitchFeed(db: DatabaseSync): (instanceId: string, on: boolean) => void {
  const turnOn = prepare(
    db,
    `INSERT INTO feeds (instance_id, position, complete_after, is_on) VALUES (?1, ?2, ?2, 1)
     ON CONFLICT (instance_id) DO UPDATE SET position = max(position + 1, excluded.position),
       complete_after = max(position + 1, excluded.position), is_on = 1 WHERE is_on = 0`,
  );
  const turnOff = prepare(db, 'UPDATE feeds SET is_on = 0 WHERE instance_id = ?');
  return (instanceId, on) => void (on ? turnOn.run(instanceId, positionOf(Date.now())) : turnOff.run(instanceId));
}

/** Events up to a position are not all kept any more. */
export function prepareShortenFeed(db: DatabaseSync): (instanceId: string, position: number) => void {
  const shorten = prepare(db, 'UPDATE feeds SET complete_after = max(complete_after, ?) WHERE instance_id = ?');
  return (instanceId, position) => void shorten.run(position, instanceId);
}

export function prepareFeedQueries(db: DatabaseSync): QueryHandlers<FeedQueries> {
  const findFeed = prepare<{ position: number; complete_after: number }>(
    db,
    'SELECT position, complete_after FROM feeds WHERE instance_id = ? AND is_on = 1',
  );
  const listReports = prepare<FeedReportRow>(
    db,
    `SELECT r.feed_position AS position, r.event_id, r.received_at AS event_at, r.publish_id, r.kind, r.action,
       r.user_number, u.name AS user, d.platform, d.id AS device_id
     FROM reports r INDEXED BY reports_by_feed LEFT JOIN users u ON u.number = r.user_number
       LEFT JOIN devices d ON d.number = r.device_number
     WHERE r.instance_id = ? AND r.feed_position > ? ORDER BY r.feed_position LIMIT ?`,
  );
  const listEvents = prepare<FeedEventRow>(
    db,
    `SELECT feed_position AS position, id AS event_id, happened_at AS event_at, publish_id, type, details
     FROM events INDEXED BY events_by_feed WHERE instance_id = ? AND feed_position > ? ORDER BY feed_position LIMIT ?`,
  );

  return {
    readFeed: ({ instanceId, start, limit }) => {
      const feed = findFeed.get(instanceId);
      if (!feed) return 'off';
      const asked = readStart(start, feed.position);
      if (asked === null) return 'malformed-cursor';
      // A cursor from after the backup that was restored: what it had seen is gone, and nothing has happened since.
      const after = Math.min(asked, feed.position);
      const pointOf = ({ position }: FeedRow) => ({ instanceId, cursor: toCursor(position) });
      const page = [
        ...listReports
          .all(instanceId, after, limit)
          .map((row) => ({ position: row.position, event: fromReport(row, pointOf(row)) })),
        ...listEvents
          .all(instanceId, after, limit)
          .map((row) => ({ position: row.position, event: fromEvent(row, pointOf(row)) })),
      ];
      page.sort((one, other) => one.position - other.position);
      page.splice(limit);
      const last = page.at(-1);
      const more = page.length === limit;
      return {
        events: page.map(({ event }) => event),
        // Behind all that there was, also what is not kept: nobody is told of it who has seen the end.
        cursor: toCursor(more && last ? last.position : feed.position),
        more,
        truncated: start.kind !== 'beginning' && asked < feed.complete_after,
      };
    },
  };
}

const toCursor = (position: number): string => position.toString(36);

/** The position after which the reader wants to have events; null when that is no cursor. */
function readStart(start: FeedStart, now: number): number | null {
  switch (start.kind) {
    case 'beginning':
      return 0;
    case 'now':
      return now;
    case 'time':
      return positionOf(start.at) - 1;
    case 'cursor': {
      const position = /^[0-9a-z]{1,11}$/.test(start.cursor) ? Number.parseInt(start.cursor, 36) : Number.NaN;
      return Number.isSafeInteger(position) ? position : null;
    }
  }
}

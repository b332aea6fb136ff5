import { greatestUuid } from '../rows/uuid-bounds.ts';
import type { Sql } from './database.ts';

/** Where an event stands in a feed: by the position of its transaction, and by its id among those of that transaction. */
export interface FeedPlace {
  readonly position: number;
  /** UUID. */
  readonly eventId: string;
}

/** Behind all events at a position. */
export const endOf = (position: number): FeedPlace => ({ position, eventId: greatestUuid });

export const comparePlaces = (one: FeedPlace, other: FeedPlace): number =>
  one.position - other.position || (one.eventId < other.eventId ? -1 : Number(one.eventId > other.eventId));

export const toCursor = ({ position, eventId }: FeedPlace): string =>
  position.toString(36) + (eventId === greatestUuid ? '' : `.${eventId.replaceAll('-', '')}`);

/** Null when it is none. Cursors that SQLite has made are positions alone. */
export function placeFromCursor(cursor: string): FeedPlace | null {
  const match = /^([0-9a-z]{1,11})(?:\.([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12}))?$/.exec(
    cursor,
  );
  const [, digits = '', ...id] = match ?? [];
  const position = Number.parseInt(digits, 36);
  if (!Number.isSafeInteger(position)) return null;
  return match?.[2] === undefined ? endOf(position) : { position, eventId: id.join('-') };
}

const findLast = `
  SELECT position, event_id FROM (
    (SELECT feed_position AS position, event_id FROM reports
     WHERE instance_id = $1 AND feed_position < $2 ORDER BY feed_position DESC, event_id DESC LIMIT 1)
    UNION ALL
    (SELECT feed_position, id FROM events
     WHERE instance_id = $1 AND feed_position < $2 ORDER BY feed_position DESC, id DESC LIMIT 1)
  ) e ORDER BY position DESC, event_id DESC LIMIT 1`;

/** Of the last event at a lower position. */
export async function placeBefore(sql: Sql, instanceId: string, position: number): Promise<FeedPlace | null> {
  const row = await sql.get<{ position: number; event_id: string }>(findLast, [instanceId, position]);
  return row ? { position: row.position, eventId: row.event_id } : null;
}

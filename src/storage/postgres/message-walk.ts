import type { MessageFilter } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { MessageRow } from '../rows/message-row.ts';
import type { Sql, SqlValue } from './database.ts';
import { messageColumns, queueJoin } from './message-columns.ts';

/** Messages before an id, newest first. */
export type MessageWalk = (before: string, limit: number) => Promise<readonly MessageRow[]>;

interface Walked extends MessageFilter {
  readonly instanceId: string;
  /** Null: about whomever. */
  readonly userNumber: number | null;
}

/** The day only leaves partitions out: which of them has a message follows from its id. */
const by = (condition: string): string => `
  SELECT ${messageColumns} FROM messages m ${queueJoin}
  WHERE m.instance_id = $1 AND m.day <= $2 AND m.id < $3 AND ${condition} ORDER BY m.id DESC LIMIT $4`;
const failed = "m.state IN ('exhausted', 'held')";
const byEvent = by('m.event_id = $5');
const byUser = by('m.user_number = $5');
const byPublish = by('m.publish_id = $5');
const byTarget = by('m.target = $5');
const failedByTarget = by(`${failed} AND m.target = $5`);
const allFailed = by(failed);
// What is left of the day, then the days before it: each along the primary key.
const all = `
  SELECT ${messageColumns} FROM (
    (SELECT * FROM messages WHERE instance_id = $1 AND day = $2 AND id < $3 ORDER BY id DESC LIMIT $4)
    UNION ALL
    (SELECT * FROM messages WHERE instance_id = $1 AND day < $2 ORDER BY day DESC, id DESC LIMIT $4)
    ORDER BY day DESC, id DESC LIMIT $4
  ) m ${queueJoin} ORDER BY m.day DESC, m.id DESC`;

/** Chooses the index that leaves the fewest messages to look at. */
export function walkMessages(sql: Sql, walked: Walked): MessageWalk {
  const { instanceId, eventId, userNumber, publishId, webhookId, state } = walked;
  const along =
    (statement: string, ...values: readonly SqlValue[]): MessageWalk =>
    (before, limit) =>
      sql.all(statement, [instanceId, uuidV7Day(before), before, limit, ...values]);
  if (eventId !== undefined) return along(byEvent, eventId);
  if (userNumber !== null) return along(byUser, userNumber);
  if (publishId !== undefined) return along(byPublish, publishId);
  const isFailed = state === 'exhausted' || state === 'held';
  if (webhookId !== undefined) return along(isFailed ? failedByTarget : byTarget, webhookId);
  return along(isFailed ? allFailed : all);
}

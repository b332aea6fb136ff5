import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { MessageFilter } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { MessageRow } from '../rows/message-row.ts';
import { messageColumns } from './message-columns.ts';
import { prepare } from './statement.ts';

/** Messages before an id, newest first. */
export type MessageWalk = (before: string, limit: number) => readonly MessageRow[];

interface Walked extends MessageFilter {
  readonly instanceId: string;
  /** Null: about whomever. */
  readonly userNumber: number | null;
}

/** Chooses the index that leaves the fewest messages to look at. */
export function prepareMessageWalk(db: DatabaseSync): (walked: Walked) => MessageWalk {
  const prepareBy = (index: string, condition: string) =>
    prepare<MessageRow>(
      db,
      `SELECT ${messageColumns} FROM messages m INDEXED BY ${index}
       WHERE m.instance_id = ? AND ${condition} AND m.id < ? ORDER BY m.id DESC LIMIT ?`,
    );
  const failed = "m.state IN ('exhausted', 'held')";
  const byEvent = prepareBy('messages_by_event', 'm.event_id = ?');
  const byUser = prepareBy('messages_about_user', 'm.user_number = ?');
  const byPublish = prepareBy('messages_by_publish', 'm.publish_id = ?');
  const byWebhook = prepareBy('messages_by_target', 'm.target = ?');
  const failedByWebhook = prepareBy('messages_failed_by_target', `${failed} AND m.target = ?`);
  const allFailed = prepareBy('messages_failed', failed);
  const all = prepare<MessageRow>(
    db,
    `SELECT ${messageColumns} FROM messages m WHERE m.instance_id = ? AND (m.day, m.id) < (?, ?)
     ORDER BY m.day DESC, m.id DESC LIMIT ?`,
  );

  return ({ instanceId, eventId, userNumber, publishId, webhookId, state }) => {
    const by =
      (statement: typeof byEvent, ...values: SQLInputValue[]): MessageWalk =>
      (before, limit) =>
        statement.all(instanceId, ...values, before, limit);
    if (eventId !== undefined) return by(byEvent, eventId);
    if (userNumber !== null) return by(byUser, userNumber);
    if (publishId !== undefined) return by(byPublish, publishId);
    const isFailed = state === 'exhausted' || state === 'held';
    if (webhookId !== undefined) return by(isFailed ? failedByWebhook : byWebhook, webhookId);
    if (isFailed) return by(allFailed);
    return (before, limit) => all.all(instanceId, uuidV7Day(before), before, limit);
  };
}

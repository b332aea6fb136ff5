import type { DatabaseSync } from 'node:sqlite';
import type { MessageFilter, MessageQueries, MessageView } from '../../core/ports/message-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import type { QueryHandlers } from './handlers.ts';
import type { KnowingLeases } from './lease-queries.ts';
import { rowsOf } from './lease-queries.ts';
import type { LiveLease } from './message-leases.ts';
import type { AttemptRow } from '../rows/attempt-row.ts';
import { attemptColumns, toAttempt } from '../rows/attempt-row.ts';
import type { FiledAttemptRow } from '../rows/filed-attempts.ts';
import { filesOf } from '../rows/filed-attempts.ts';
import { endOfSearch, matches, maxRowsLookedAt, neighboursLookedAt, rowsAtATime } from '../rows/message-search.ts';
import type { AboutRow, MessageRow } from '../rows/message-row.ts';
import { messageColumns } from './message-columns.ts';
import { aboutColumns, aboutJoins, toAbout, toMessage } from '../rows/message-row.ts';
import { prepareTurnQueries } from './message-claims.ts';
import type { MessageWalk } from './message-walk.ts';
import { prepareMessageWalk } from './message-walk.ts';
import { prepareHealthQueries } from './webhook-health.ts';
import { prepare } from './statement.ts';

export function prepareMessageQueries(db: DatabaseSync): KnowingLeases<QueryHandlers<MessageQueries>> {
  const walk = prepareMessageWalk(db);
  const findMessage = prepare<MessageRow & AboutRow>(
    db,
    `SELECT ${messageColumns}, ${aboutColumns} FROM messages m ${aboutJoins}
     WHERE m.instance_id = ? AND m.day = ? AND m.id = ?`,
  );
  const countAhead = prepare<{ ahead: number }>(
    db,
    `SELECT count(*) AS ahead FROM (SELECT 1 FROM messages INDEXED BY messages_by_target_due
       WHERE due_at IS NOT NULL AND instance_id = ? AND target = ? AND due_at < ?
         AND rowid NOT IN (SELECT value FROM json_each(?)) LIMIT ?)`,
  );
  const listAttempts = prepare<FiledAttemptRow>(
    db,
    `SELECT message_id, number, ${attemptColumns} FROM attempts
     WHERE instance_id = ? AND day = ? AND message_id IN (SELECT value FROM json_each(?)) ORDER BY started_at, number`,
  );
  const findAttempt = prepare<Pick<AttemptRow, 'started_at' | 'status' | 'error'>>(
    db,
    `SELECT started_at, status, error FROM attempts WHERE instance_id = ? AND day = ? AND message_id = ?
     ORDER BY number DESC LIMIT 1`,
  );
  const neighbours = (condition: string) =>
    `SELECT * FROM (SELECT id, batch_id FROM messages INDEXED BY messages_by_target
       WHERE instance_id = ?1 AND target = ?2 AND ${condition} LIMIT ${neighboursLookedAt})`;
  const listBatch = prepare<MessageRow & AboutRow>(
    db,
    `SELECT ${messageColumns}, ${aboutColumns} FROM messages m ${aboutJoins}
     WHERE m.instance_id = ?1 AND m.day = ?3 AND m.id IN (
       SELECT id FROM (${neighbours('id <= ?4 ORDER BY id DESC')} UNION ALL ${neighbours('id > ?4 ORDER BY id')})
       WHERE batch_id = ?5) ORDER BY m.id`,
  );
  const findUser = prepare<{ number: number }>(db, 'SELECT number FROM users WHERE instance_id = ? AND name = ?');

  const listAttemptsOf = (row: MessageRow): readonly FiledAttemptRow[] => {
    const files = filesOf(row);
    const rows = listAttempts.all(row.instance_id, uuidV7Day(row.id), JSON.stringify([...files.keys()]));
    return rows.filter(({ message_id, number }) => number <= (files.get(message_id) ?? 0));
  };
  const findLastAttempt = (row: MessageRow) => {
    const { instance_id, id, attempts, batch_id, left_batches } = row;
    if (attempts === 0) return undefined;
    return left_batches === null
      ? findAttempt.get(instance_id, uuidV7Day(id), batch_id ?? id)
      : listAttemptsOf(row).at(-1);
  };

  const toView = (row: MessageRow, leases: ReadonlyMap<string, number>): MessageView => {
    const last = findLastAttempt(row);
    const leaseEndsAt = row.state === 'waiting' ? leases.get(row.id) : undefined;
    return {
      ...toMessage(row),
      state: row.state,
      dropReason: row.drop_reason,
      dueAt: leaseEndsAt ?? row.due_at,
      claimed: leaseEndsAt !== undefined || row.claim_token !== null,
      lastAttempt: last ? { startedAt: last.started_at, status: last.status, error: last.error } : null,
    };
  };

  return {
    ...prepareTurnQueries(db),
    ...prepareHealthQueries(db),
    listMessages: ({ instanceId, before, limit, ...filter }, live) => {
      const userNumber = filter.user === undefined ? null : findUser.get(instanceId, filter.user)?.number;
      if (userNumber === undefined) return { messages: [], next: null };
      const read = walk({ ...filter, instanceId, userNumber });
      const leases = endsOf(live);
      const from = { before: endOfSearch(before, filter.until), limit };
      return gather(read, filter, (row) => toView(row, leases), from);
    },
    findMessage: ({ instanceId, messageId }, live) => {
      const row = findMessage.get(instanceId, uuidV7Day(messageId), messageId);
      return row ? { ...toView(row, endsOf(live)), ...toAbout(row) } : null;
    },
    countAhead: ({ instanceId, target, dueAt, limit }, live) =>
      countAhead.get(instanceId, target, dueAt, rowsOf(live), limit)?.ahead ?? 0,
    restsUntil: () => null,
    listAttempts: ({ instanceId, messageId }) => {
      const key = [instanceId, uuidV7Day(messageId), messageId] as const;
      const message = findMessage.get(...key);
      if (!message) return null;
      return listAttemptsOf(message).map(toAttempt);
    },
    listBatch: ({ instanceId, messageId }) => {
      const day = uuidV7Day(messageId);
      const message = findMessage.get(instanceId, day, messageId);
      if (!message?.batch_id) return [];
      const rows = listBatch.all(instanceId, message.target, day, messageId, message.batch_id);
      return rows.map((row) => ({ ...toMessage(row), ...toAbout(row) }));
    },
  };
}

const endsOf = (live: readonly LiveLease[]) => new Map(live.map(([messageId, , endsAt]) => [messageId, endsAt]));

/** Reads on until the page is full, the messages are over, or enough has been looked at. */
function gather(
  read: MessageWalk,
  filter: MessageFilter,
  toView: (row: MessageRow) => MessageView,
  { before, limit }: { readonly before: string; readonly limit: number },
): { readonly messages: readonly MessageView[]; readonly next: string | null } {
  const messages: MessageView[] = [];
  let cursor = before;
  const atATime = Object.keys(filter).length === 0 ? limit : rowsAtATime;
  for (let lookedAt = 0; lookedAt < maxRowsLookedAt; lookedAt += atATime) {
    const rows = read(cursor, atATime);
    for (const row of rows) {
      if (uuidV7Time(row.id) < (filter.since ?? 0)) return { messages, next: null };
      cursor = row.id;
      if (!matches(filter, row)) continue;
      const view = toView(row);
      if (filter.status !== undefined && view.lastAttempt?.status !== filter.status) continue;
      if (messages.push(view) === limit) return { messages, next: cursor };
    }
    if (rows.length < atATime) return { messages, next: null };
  }
  return { messages, next: cursor };
}

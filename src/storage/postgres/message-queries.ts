import type { MessageFilter, MessagePage, MessageQueries, MessageView } from '../../core/ports/message-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import { attemptColumns, toAttempt } from '../rows/attempt-row.ts';
import type { FiledAttemptRow } from '../rows/filed-attempts.ts';
import { filesOf } from '../rows/filed-attempts.ts';
import type { AboutRow, MessageRow } from '../rows/message-row.ts';
import { aboutColumns, aboutJoins, toAbout, toMessage } from '../rows/message-row.ts';
import { endOfSearch, matches, maxRowsLookedAt, neighboursLookedAt, rowsAtATime } from '../rows/message-search.ts';
import type { Sql } from './database.ts';
import type { QueryHandlers } from './handlers.ts';
import { readLastAttempts } from './last-attempts.ts';
import { restsUntil } from './message-claims.ts';
import { messageColumns, queueJoin } from './message-columns.ts';
import { walkMessages } from './message-walk.ts';
import { healthQueries } from './webhook-health.ts';

const findMessage = `
  SELECT ${messageColumns}, ${aboutColumns} FROM messages m ${queueJoin} ${aboutJoins}
  WHERE m.instance_id = $1 AND m.day = $2 AND m.id = $3`;
const countAhead = `
  SELECT count(*) AS ahead FROM (SELECT FROM message_queue
    WHERE instance_id = $1 AND target = $2 AND due_at < $3 LIMIT $4) AS ahead`;
const listAttempts = `
  SELECT message_id, number, ${attemptColumns} FROM attempts
  WHERE instance_id = $1 AND day = $2 AND message_id = ANY($3::uuid[]) ORDER BY started_at, number`;
const neighbours = (condition: string) => `
  (SELECT * FROM messages
   WHERE instance_id = $1 AND target = $2 AND day = $3 AND ${condition} LIMIT ${neighboursLookedAt})`;
const listBatch = `
  SELECT ${messageColumns}, ${aboutColumns}
  FROM (${neighbours('id <= $4 ORDER BY id DESC')} UNION ALL ${neighbours('id > $4 ORDER BY id')}) m
    ${queueJoin} ${aboutJoins}
  WHERE coalesce(q.batch_id, m.batch_id) = $5 ORDER BY m.id`;
const findUser = 'SELECT number FROM users WHERE instance_id = $1 AND name = $2';

async function listAttemptsOf(sql: Sql, row: MessageRow): Promise<readonly FiledAttemptRow[]> {
  const files = filesOf(row);
  const rows = await sql.all<FiledAttemptRow>(listAttempts, [row.instance_id, uuidV7Day(row.id), [...files.keys()]]);
  return rows.filter(({ message_id, number }) => number <= (files.get(message_id) ?? 0));
}

/** Rows of one instance as they are shown. */
async function toViews(sql: Sql, rows: readonly MessageRow[]): Promise<readonly MessageView[]> {
  const tried = rows.filter(({ attempts }) => attempts > 0);
  const attempts = await readLastAttempts(sql, rows[0]?.instance_id ?? '', tried);
  for (const row of tried.filter(({ left_batches }) => left_batches !== null)) {
    const last = (await listAttemptsOf(sql, row)).at(-1);
    if (last) attempts.set(row.id, last);
  }
  return rows.map((row) => {
    const last = attempts.get(row.id);
    return {
      ...toMessage(row),
      state: row.state,
      dropReason: row.drop_reason,
      dueAt: row.due_at,
      claimed: row.claim_token !== null,
      lastAttempt: last ? { startedAt: last.started_at, status: last.status, error: last.error } : null,
    };
  });
}

export const messageQueries: QueryHandlers<Omit<MessageQueries, 'listTurns'>> = {
  ...healthQueries,
  listMessages: async (sql, { instanceId, before, limit, ...filter }) => {
    const user =
      filter.user === undefined ? null : await sql.get<{ number: number }>(findUser, [instanceId, filter.user]);
    if (user === undefined) return { messages: [], next: null };
    const read = walkMessages(sql, { ...filter, instanceId, userNumber: user?.number ?? null });
    return gather(sql, read, filter, { before: endOfSearch(before, filter.until), limit });
  },
  findMessage: async (sql, { instanceId, messageId }) => {
    const row = await sql.get<MessageRow & AboutRow>(findMessage, [instanceId, uuidV7Day(messageId), messageId]);
    const [view] = row ? await toViews(sql, [row]) : [];
    return row && view ? { ...view, ...toAbout(row) } : null;
  },
  countAhead: async (sql, { instanceId, target, dueAt, limit }) =>
    (await sql.get<{ ahead: number }>(countAhead, [instanceId, target, dueAt, limit]))?.ahead ?? 0,
  restsUntil,
  listAttempts: async (sql, { instanceId, messageId }) => {
    const message = await sql.get<MessageRow>(findMessage, [instanceId, uuidV7Day(messageId), messageId]);
    return message ? (await listAttemptsOf(sql, message)).map(toAttempt) : null;
  },
  listBatch: async (sql, { instanceId, messageId }) => {
    const day = uuidV7Day(messageId);
    const message = await sql.get<MessageRow>(findMessage, [instanceId, day, messageId]);
    if (!message?.batch_id) return [];
    const key = [instanceId, message.target, day, messageId, message.batch_id];
    return (await sql.all<MessageRow & AboutRow>(listBatch, key)).map((row) => ({
      ...toMessage(row),
      ...toAbout(row),
    }));
  },
};

/** Reads on until the page is full, the messages are over, or enough has been looked at. */
async function gather(
  sql: Sql,
  read: ReturnType<typeof walkMessages>,
  filter: MessageFilter,
  { before, limit }: { readonly before: string; readonly limit: number },
): Promise<MessagePage> {
  const messages: MessageView[] = [];
  let cursor = before;
  const atATime = Object.keys(filter).length === 0 ? limit : rowsAtATime;
  for (let lookedAt = 0; lookedAt < maxRowsLookedAt; lookedAt += atATime) {
    const rows = await read(cursor, atATime);
    const young = rows.filter((row) => uuidV7Time(row.id) >= (filter.since ?? 0));
    const found = young.filter((row) => matches(filter, row));
    // The last attempts of all are needed only to choose among them.
    const shown = await toViews(sql, filter.status === undefined ? found.slice(0, limit - messages.length) : found);
    for (const view of shown) {
      if (filter.status !== undefined && view.lastAttempt?.status !== filter.status) continue;
      if (messages.push(view) === limit) return { messages, next: view.messageId };
    }
    if (young.length < rows.length || rows.length < atATime) return { messages, next: null };
    cursor = rows.at(-1)?.id ?? cursor;
  }
  return { messages, next: cursor };
}

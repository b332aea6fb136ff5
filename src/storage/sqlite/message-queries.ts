import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord, MessageFilter, MessageQueries, MessageView } from '../../core/ports/message-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import type { QueryHandlers } from './handlers.ts';
import type { AboutRow, MessageRow } from './message-row.ts';
import { aboutColumns, aboutJoins, messageColumns, toAbout, toMessage } from './message-row.ts';
import { prepareTurnQueries } from './message-claims.ts';
import type { MessageWalk } from './message-walk.ts';
import { prepareMessageWalk } from './message-walk.ts';
import { prepareHealthQueries } from './webhook-health.ts';
import { prepare } from './statement.ts';

interface AttemptRow {
  started_at: number;
  duration_ms: number;
  status: number | null;
  error: string | null;
  address: string | null;
  response_headers: string | null;
  response_body: string | null;
  request_hash: Uint8Array | null;
}

/** So much is looked at in one go: a search of what is rare answers in between, and others have their turn. */
const maxRowsLookedAt = 10_000;
const rowsAtATime = 1_000;

export function prepareMessageQueries(db: DatabaseSync): QueryHandlers<MessageQueries> {
  const walk = prepareMessageWalk(db);
  const findMessage = prepare<MessageRow & AboutRow>(
    db,
    `SELECT ${messageColumns}, ${aboutColumns} FROM messages m ${aboutJoins}
     WHERE m.instance_id = ? AND m.day = ? AND m.id = ?`,
  );
  const countAhead = prepare<{ ahead: number }>(
    db,
    `SELECT count(*) AS ahead FROM (SELECT 1 FROM messages INDEXED BY messages_by_target_due
       WHERE due_at IS NOT NULL AND instance_id = ? AND target = ? AND due_at < ? LIMIT ?)`,
  );
  const attemptColumns = `started_at, duration_ms, status, error, address, response_headers, response_body, request_hash`;
  const listAttempts = prepare<AttemptRow>(
    db,
    `SELECT ${attemptColumns} FROM attempts WHERE instance_id = ?1 AND day = ?2 AND message_id IN (?3, ?4) ORDER BY started_at, number`,
  );
  const findAttempt = prepare<Pick<AttemptRow, 'started_at' | 'status' | 'error'>>(
    db,
    `SELECT started_at, status, error FROM attempts WHERE instance_id = ? AND day = ? AND message_id = ?
     ORDER BY number DESC LIMIT 1`,
  );
  const findUser = prepare<{ number: number }>(db, 'SELECT number FROM users WHERE instance_id = ? AND name = ?');

  const toView = (row: MessageRow): MessageView => {
    const { instance_id, id, attempts, batch_id } = row;
    const last = attempts > 0 && findAttempt.get(instance_id, uuidV7Day(id), batch_id ?? id);
    return {
      ...toMessage(row),
      state: row.state,
      dropReason: row.drop_reason,
      dueAt: row.due_at,
      claimed: row.claim_token !== null,
      lastAttempt: last ? { startedAt: last.started_at, status: last.status, error: last.error } : null,
    };
  };

  return {
    ...prepareTurnQueries(db),
    ...prepareHealthQueries(db),
    listMessages: ({ instanceId, before = endOfTime, limit, ...filter }) => {
      const userNumber = filter.user === undefined ? null : findUser.get(instanceId, filter.user)?.number;
      if (userNumber === undefined) return { messages: [], next: null };
      const read = walk({ ...filter, instanceId, userNumber });
      return gather(read, filter, toView, { before: earlier(before, filter.until), limit });
    },
    findMessage: ({ instanceId, messageId }) => {
      const row = findMessage.get(instanceId, uuidV7Day(messageId), messageId);
      return row ? { ...toView(row), ...toAbout(row) } : null;
    },
    countAhead: ({ instanceId, target, dueAt, limit }) => countAhead.get(instanceId, target, dueAt, limit)?.ahead ?? 0,
    listAttempts: ({ instanceId, messageId }) => {
      const key = [instanceId, uuidV7Day(messageId), messageId] as const;
      const message = findMessage.get(...key);
      if (!message) return null;
      return listAttempts.all(...key, message.batch_id).map((row): AttemptRecord => ({
        startedAt: row.started_at,
        durationMs: row.duration_ms,
        status: row.status,
        error: row.error,
        address: row.address,
        responseHeaders:
          row.response_headers === null ? null : (JSON.parse(row.response_headers) as Record<string, string>),
        responseBody: row.response_body,
        requestHash: row.request_hash,
      }));
    },
  };
}

/** Later than every UUID. */
const endOfTime = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The earlier of an id and the first one of a millisecond (RFC 9562, section 5.7). */
function earlier(id: string, until: number | undefined): string {
  if (until === undefined) return id;
  const hex = Math.max(0, until).toString(16).padStart(12, '0');
  const first = `${hex.slice(0, 8)}-${hex.slice(8)}`;
  return first < id ? first : id;
}

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

/** What the walk does not see to by itself. */
const matches = ({ webhookId, publishId, eventType, state }: MessageFilter, row: MessageRow): boolean =>
  (webhookId === undefined || row.target === webhookId) &&
  (publishId === undefined || row.publish_id === publishId) &&
  (eventType === undefined || row.event_type === eventType) &&
  (state === undefined || row.state === state);

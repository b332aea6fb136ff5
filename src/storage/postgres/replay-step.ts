import type { MessageState } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { ReplayCommands, ReplayRecord, ReplayedState } from '../../core/ports/replay-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import { replayColumns, replayRestMs, replayStepsPerSecond } from '../rows/replay-row.ts';
import type { ReplayRow } from '../rows/replay-row.ts';
import { leastUuid } from '../rows/uuid-bounds.ts';
import type { Sql } from './database.ts';
import { readLastAttempts } from './last-attempts.ts';
import { resend } from './resend.ts';

interface CandidateRow {
  id: string;
  state: MessageState;
  event_type: ReplayRecord['eventType'];
  batch_id: string | null;
}

// Other nodes step other replays meanwhile.
const takeDue = `
  SELECT ${replayColumns}, pharos_now() AS now FROM replays WHERE due_at IS NOT NULL AND due_at <= pharos_now()
  ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`;
const findWebhook = 'SELECT disabled_at FROM webhooks WHERE instance_id = $1 AND id = $2';
const countDue = `
  SELECT count(*) AS due FROM (SELECT FROM message_queue
    WHERE instance_id = $1 AND target = $2 AND due_at <= pharos_now() LIMIT $3) AS due`;
const listCandidates = (condition: string): string => `
  SELECT id, state, event_type, batch_id FROM messages
  WHERE instance_id = $1 AND target = $2 AND day BETWEEN $3 AND $4 AND id > $5 AND id < $6 AND ${condition}
  ORDER BY id LIMIT $7`;
const listAll = listCandidates('true');
const listFailed = listCandidates("state IN ('exhausted', 'held')");
const save = `
  UPDATE replays SET cursor = $3, counted = $4, total = $5, resent = $6, skipped = $7, due_at = $8, ended_at = $9,
    canceled = $10
  WHERE instance_id = $1 AND id = $2`;

type Steps = Parameters<ReplayCommands['stepReplays']>[0][number];
type Stepped =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'stepped';
      readonly key: { readonly instanceId: string; readonly replayId: string };
      readonly resent: number;
      readonly ended: boolean;
    };

export async function stepReplay(sql: Sql, { maxRows, maxDue }: Steps): Promise<Stepped> {
  const replay = await sql.get<ReplayRow & { now: number }>(takeDue);
  if (!replay) return { kind: 'idle' };
  const { now, resent: before } = replay;
  const room = await roomOf(sql, replay, maxDue);
  if (room === 'deleted') Object.assign(replay, { due_at: null, ended_at: now, canceled: true });
  else if (replay.total === null) {
    await count(sql, replay, maxRows);
    replay.due_at = now;
  } else if (typeof room === 'string') replay.due_at = now + replayRestMs[room];
  else if (await send(sql, replay, maxRows, room)) Object.assign(replay, { due_at: null, ended_at: now });
  else replay.due_at = now + Math.ceil(((replay.resent - before) * 1_000) / (replay.max_per_second ?? Infinity));
  await sql.run(save, [
    ...[replay.instance_id, replay.id, replay.cursor, replay.counted, replay.total, replay.resent, replay.skipped],
    ...[replay.due_at, replay.ended_at, Boolean(replay.canceled)],
  ]);
  const key = { instanceId: replay.instance_id, replayId: replay.id };
  return { kind: 'stepped', key, resent: replay.resent - before, ended: replay.ended_at !== null };
}

/** How many messages may become due in this step; or why none. */
async function roomOf(
  sql: Sql,
  replay: ReplayRow,
  maxDue: number,
): Promise<number | 'deleted' | keyof typeof replayRestMs> {
  const webhookId = webhookIdOf(replay.target);
  if (webhookId !== null) {
    const webhook = await sql.get<{ disabled_at: number | null }>(findWebhook, [replay.instance_id, webhookId]);
    if (!webhook) return 'deleted';
    if (webhook.disabled_at !== null) return 'disabled';
  }
  const { due = 0 } = (await sql.get<{ due: number }>(countDue, [replay.instance_id, replay.target, maxDue])) ?? {};
  const perStep = replay.max_per_second === null ? maxDue : Math.max(1, replay.max_per_second / replayStepsPerSecond);
  return due >= maxDue ? 'full' : Math.min(maxDue - due, Math.floor(perStep));
}

/** Counts a stretch of messages before any is sent again: that changes what there is to count. */
async function count(sql: Sql, replay: ReplayRow, maxRows: number): Promise<void> {
  const rows = await readCandidates(sql, replay, maxRows);
  replay.counted += (await listMeant(sql, replay, rows)).size;
  replay.cursor = rows.at(-1)?.id ?? replay.cursor;
  if (rows.length === maxRows) return;
  replay.total = replay.counted;
  replay.cursor = leastUuid;
}

/** True when it has come to the end. */
async function send(sql: Sql, replay: ReplayRow, maxRows: number, room: number): Promise<boolean> {
  const rows = await readCandidates(sql, replay, maxRows);
  const meant = await listMeant(sql, replay, rows);
  let left = room;
  for (let index = 0; index < rows.length;) {
    if (left === 0) return false;
    const messageIds: string[] = [];
    for (; index < rows.length && messageIds.length < left; index += 1) {
      const { id } = rows[index] as CandidateRow;
      if (meant.has(id)) messageIds.push(id);
      replay.cursor = id;
    }
    const results = await resend(
      sql,
      messageIds.map((messageId) => ({ instanceId: replay.instance_id, messageId })),
    );
    const due = results.filter((result) => result === 'due').length;
    replay.resent += due;
    replay.skipped += results.length - due;
    left -= due;
  }
  return rows.length < maxRows;
}

/** Messages of the target behind the cursor that were written before the replay, oldest first; some are not meant. */
const readCandidates = (sql: Sql, replay: ReplayRow, limit: number): Promise<readonly CandidateRow[]> => {
  const { instance_id: instanceId, id, target, states, cursor } = replay;
  const statement = (JSON.parse(states) as ReplayedState[]).includes('delivered') ? listAll : listFailed;
  return sql.all(statement, [instanceId, target, uuidV7Day(cursor), uuidV7Day(id), cursor, id, limit]);
};

async function listMeant(
  sql: Sql,
  { instance_id: instanceId, states, event_type: eventType, since }: ReplayRow,
  rows: readonly CandidateRow[],
): Promise<ReadonlySet<string>> {
  const wanted = JSON.parse(states) as readonly MessageState[];
  const fitting = rows.filter((row) => wanted.includes(row.state) && (eventType ?? row.event_type) === row.event_type);
  if (since === null) return new Set(fitting.map(({ id }) => id));
  const older = fitting.filter(({ id }) => uuidV7Time(id) < since);
  const attempts = await readLastAttempts(sql, instanceId, older);
  const isSince = ({ id }: CandidateRow) =>
    uuidV7Time(id) >= since || (attempts.get(id)?.started_at ?? -Infinity) >= since;
  return new Set(fitting.filter(isSince).map(({ id }) => id));
}

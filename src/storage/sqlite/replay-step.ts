import type { DatabaseSync } from 'node:sqlite';
import type { MessageState } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { ReplayCommands, ReplayRecord, ReplayedState } from '../../core/ports/replay-store.ts';
import { uuidV7Day, uuidV7Time } from '../../protocol/ids.ts';
import type { CommandHandlers } from './handlers.ts';
import type { ReplayRow } from '../rows/replay-row.ts';
import { replayRestMs, replayStepsPerSecond } from '../rows/replay-row.ts';
import type { MessageLeases } from './message-leases.ts';
import type { prepareResend } from './resend.ts';
import { prepare } from './statement.ts';

interface CandidateRow {
  id: string;
  state: MessageState;
  event_type: ReplayRecord['eventType'];
  batch_id: string | null;
}

export function prepareReplayStep(
  db: DatabaseSync,
  resend: ReturnType<typeof prepareResend>,
  leases: Pick<MessageLeases, 'countLive'>,
): CommandHandlers<ReplayCommands>['stepReplays'] {
  const findDue = prepare<ReplayRow>(
    db,
    'SELECT * FROM replays WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT 1',
  );
  const findWebhook = prepare<{ disabled_at: number | null }>(
    db,
    'SELECT disabled_at FROM webhooks WHERE instance_id = ? AND id = ?',
  );
  const countDue = prepare<{ due: number }>(
    db,
    `SELECT count(*) AS due FROM (SELECT 1 FROM messages INDEXED BY messages_by_target_due
       WHERE due_at IS NOT NULL AND instance_id = ? AND target = ? AND due_at <= ? LIMIT ?)`,
  );
  const listCandidates = prepareCandidates(db);
  const isMeant = prepareIsMeant(db);
  const update = prepare(
    db,
    `UPDATE replays SET cursor = ?, counted = ?, total = ?, resent = ?, skipped = ?, due_at = ?, ended_at = ?, canceled = ?
     WHERE instance_id = ? AND id = ?`,
  );

  const save = (replay: ReplayRow) => {
    update.run(
      ...[replay.cursor, replay.counted, replay.total, replay.resent, replay.skipped, replay.due_at],
      ...[replay.ended_at, Number(replay.canceled), replay.instance_id, replay.id],
    );
  };

  /** How many messages may become due in this step; or why none. */
  const roomOf = (replay: ReplayRow, now: number, maxDue: number): number | 'deleted' | keyof typeof replayRestMs => {
    const webhookId = webhookIdOf(replay.target);
    if (webhookId !== null) {
      const webhook = findWebhook.get(replay.instance_id, webhookId);
      if (!webhook) return 'deleted';
      if (webhook.disabled_at !== null) return 'disabled';
    }
    const inFlight = leases.countLive({ instanceId: replay.instance_id, target: replay.target });
    const due = (countDue.get(replay.instance_id, replay.target, now, maxDue + inFlight)?.due ?? 0) - inFlight;
    const perStep = replay.max_per_second === null ? maxDue : Math.max(1, replay.max_per_second / replayStepsPerSecond);
    return due >= maxDue ? 'full' : Math.min(maxDue - due, Math.floor(perStep));
  };

  /** Counts a stretch of messages before any is sent again: that changes what there is to count. */
  const count = (replay: ReplayRow, maxRows: number) => {
    const rows = listCandidates(replay, maxRows);
    replay.counted += rows.filter((row) => isMeant(replay, row)).length;
    replay.cursor = rows.at(-1)?.id ?? replay.cursor;
    if (rows.length === maxRows) return;
    replay.total = replay.counted;
    replay.cursor = '';
  };

  /** True when it has come to the end. */
  const send = (replay: ReplayRow, maxRows: number, room: number): boolean => {
    let left = room;
    const rows = listCandidates(replay, maxRows);
    for (const row of rows) {
      if (left === 0) return false;
      replay.cursor = row.id;
      if (!isMeant(replay, row)) continue;
      if (resend({ instanceId: replay.instance_id, messageId: row.id }) === 'due') {
        replay.resent += 1;
        left -= 1;
      } else {
        replay.skipped += 1;
      }
    }
    return rows.length < maxRows;
  };

  return ({ maxRows, maxDue }) => {
    const now = Date.now();
    const replay = findDue.get(now);
    if (!replay) return { kind: 'idle' };
    const before = replay.resent;
    const room = roomOf(replay, now, maxDue);
    if (room === 'deleted') Object.assign(replay, { due_at: null, ended_at: now, canceled: 1 });
    else if (replay.total === null) {
      count(replay, maxRows);
      replay.due_at = now;
    } else if (typeof room === 'string') replay.due_at = now + replayRestMs[room];
    else if (send(replay, maxRows, room)) Object.assign(replay, { due_at: null, ended_at: now });
    else replay.due_at = now + Math.ceil(((replay.resent - before) * 1_000) / (replay.max_per_second ?? Infinity));
    save(replay);
    const key = { instanceId: replay.instance_id, replayId: replay.id };
    return { kind: 'stepped', key, resent: replay.resent - before, ended: replay.ended_at !== null };
  };
}

/** Messages of the target behind the cursor that were written before the replay, oldest first; some are not meant. */
function prepareCandidates(db: DatabaseSync): (replay: ReplayRow, limit: number) => readonly CandidateRow[] {
  const prepareList = (index: string, condition: string) =>
    prepare<CandidateRow>(
      db,
      `SELECT id, state, event_type, batch_id FROM messages INDEXED BY ${index}
       WHERE instance_id = ? AND target = ? AND ${condition} AND id > ? AND id < ? ORDER BY id LIMIT ?`,
    );
  const all = prepareList('messages_by_target', 'true');
  const failed = prepareList('messages_failed_by_target', "state IN ('exhausted', 'held')");
  return ({ instance_id: instanceId, id, target, states, cursor }, limit) => {
    const list = (JSON.parse(states) as ReplayedState[]).includes('delivered') ? all : failed;
    return list.all(instanceId, target, cursor, id, limit);
  };
}

function prepareIsMeant(db: DatabaseSync): (replay: ReplayRow, message: CandidateRow) => boolean {
  const findLastAttempt = prepare<{ started_at: number }>(
    db,
    `SELECT started_at FROM attempts WHERE instance_id = ? AND day = ? AND message_id = ?
     ORDER BY number DESC LIMIT 1`,
  );
  return ({ instance_id: instanceId, states, event_type: eventType, since }, { id, state, event_type, batch_id }) => {
    if (!(JSON.parse(states) as MessageState[]).includes(state)) return false;
    if (eventType !== null && event_type !== eventType) return false;
    if (since === null || uuidV7Time(id) >= since) return true;
    return (findLastAttempt.get(instanceId, uuidV7Day(id), batch_id ?? id)?.started_at ?? 0) >= since;
  };
}

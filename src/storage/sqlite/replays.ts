import type { DatabaseSync } from 'node:sqlite';
import type { ReplayCommands, ReplayQueries, ReplayRecord, ReplayView } from '../../core/ports/replay-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import type { ReplayRow } from './replay-step.ts';
import { prepareReplayStep } from './replay-step.ts';
import { prepareResend } from './resend.ts';
import { prepare } from './statement.ts';

export function prepareReplayCommands(db: DatabaseSync): CommandHandlers<ReplayCommands> {
  const resend = prepareResend(db);
  const findWebhook = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM webhooks WHERE instance_id = ? AND id = ?');
  const insertReplay = prepare(
    db,
    `INSERT INTO replays (instance_id, id, webhook_id, states, event_type, since, max_per_second, created_at, cursor,
       counted, total, resent, skipped, due_at, ended_at, canceled)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0, NULL, 0, 0, ?, NULL, 0)`,
  );
  const findReplay = prepare<{ ended_at: number | null }>(
    db,
    'SELECT ended_at FROM replays WHERE instance_id = ? AND id = ?',
  );
  const cancel = prepare(
    db,
    'UPDATE replays SET due_at = NULL, ended_at = ?, canceled = 1 WHERE instance_id = ? AND id = ?',
  );
  return {
    resendMessages: resend,
    createReplays: ({ instanceId, replayId, webhookId, states, eventType, since, maxPerSecond }) => {
      if (webhookId !== null && !findWebhook.get(instanceId, webhookId)) return 'unknown-webhook';
      const now = Date.now();
      const filter = [JSON.stringify(states), eventType, since] as const;
      insertReplay.run(instanceId, replayId, webhookId, ...filter, maxPerSecond, now, now);
      return 'created';
    },
    cancelReplays: ({ instanceId, replayId }) => {
      const replay = findReplay.get(instanceId, replayId);
      if (!replay) return 'unknown-replay';
      if (replay.ended_at !== null) return 'ended';
      cancel.run(Date.now(), instanceId, replayId);
      return 'canceled';
    },
    stepReplays: prepareReplayStep(db, resend),
  };
}

export function prepareReplayQueries(db: DatabaseSync): QueryHandlers<ReplayQueries> {
  const list = prepare<ReplayRow>(db, 'SELECT * FROM replays WHERE instance_id = ? ORDER BY id DESC LIMIT ?');
  const find = prepare<ReplayRow>(db, 'SELECT * FROM replays WHERE instance_id = ? AND id = ?');
  return {
    listReplays: ({ instanceId, limit }) => list.all(instanceId, limit).map(toReplay),
    findReplay: ({ instanceId, replayId }) => {
      const row = find.get(instanceId, replayId);
      return row ? toReplay(row) : null;
    },
  };
}

const toReplay = (row: ReplayRow): ReplayView => ({
  instanceId: row.instance_id,
  replayId: row.id,
  webhookId: row.webhook_id,
  states: JSON.parse(row.states) as ReplayRecord['states'],
  eventType: row.event_type,
  since: row.since,
  maxPerSecond: row.max_per_second,
  createdAt: row.created_at,
  state: row.ended_at === null ? 'running' : row.canceled === 1 ? 'canceled' : 'done',
  total: row.total,
  resent: row.resent,
  skipped: row.skipped,
  endedAt: row.ended_at,
});

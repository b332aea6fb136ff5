import type { DatabaseSync } from 'node:sqlite';
import { urlTargetPrefix, webhookIdOf } from '../../core/ports/message-store.ts';
import type { ReplayCommands, ReplayQueries } from '../../core/ports/replay-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import type { ReplayRow } from '../rows/replay-row.ts';
import { toReplay } from '../rows/replay-row.ts';
import type { MessageLeases } from './message-leases.ts';
import { prepareReplayStep } from './replay-step.ts';
import { prepareResend } from './resend.ts';
import { prepare } from './statement.ts';

export function prepareReplayCommands(db: DatabaseSync, leases: MessageLeases): CommandHandlers<ReplayCommands> {
  const resend = prepareResend(db, leases);
  const findWebhook = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM webhooks WHERE instance_id = ? AND id = ?');
  const insertReplay = prepare(
    db,
    `INSERT INTO replays (instance_id, id, target, states, event_type, since, max_per_second, created_at, cursor,
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
    createReplays: ({ instanceId, replayId, target, states, eventType, since, maxPerSecond }) => {
      const webhookId = webhookIdOf(target);
      if (webhookId !== null && !findWebhook.get(instanceId, webhookId)) return 'unknown-webhook';
      const now = Date.now();
      const filter = [JSON.stringify(states), eventType, since] as const;
      insertReplay.run(instanceId, replayId, target, ...filter, maxPerSecond, now, now);
      return 'created';
    },
    cancelReplays: ({ instanceId, replayId }) => {
      const replay = findReplay.get(instanceId, replayId);
      if (!replay) return 'unknown-replay';
      if (replay.ended_at !== null) return 'ended';
      cancel.run(Date.now(), instanceId, replayId);
      return 'canceled';
    },
    stepReplays: prepareReplayStep(db, resend, leases),
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
    listUrlTargets: prepareListUrlTargets(db),
  };
}

/** From one to the next, and none of the messages between them is looked at. */
function prepareListUrlTargets(db: DatabaseSync): QueryHandlers<ReplayQueries>['listUrlTargets'] {
  const prepareNext = (index: string, condition: string) =>
    prepare<{ target: string }>(
      db,
      `SELECT target FROM messages INDEXED BY ${index}
       WHERE instance_id = ? AND target > ? AND ${condition} ORDER BY target LIMIT 1`,
    );
  const all = prepareNext('messages_by_target', 'true');
  const failed = prepareNext('messages_failed_by_target', "state IN ('exhausted', 'held')");
  return ({ instanceId, states, after, limit }) => {
    const next = states.includes('delivered') ? all : failed;
    const targets: string[] = [];
    let last = after < urlTargetPrefix ? urlTargetPrefix : after;
    while (targets.length < limit) {
      const found = next.get(instanceId, last);
      if (!found) break;
      last = found.target;
      targets.push(last);
    }
    return targets;
  };
}

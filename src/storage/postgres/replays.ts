import { urlTargetPrefix, webhookIdOf } from '../../core/ports/message-store.ts';
import type { ReplayCommands, ReplayQueries } from '../../core/ports/replay-store.ts';
import type { ReplayRow } from '../rows/replay-row.ts';
import { replayColumns, toReplay } from '../rows/replay-row.ts';
import { leastUuid } from '../rows/uuid-bounds.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { batch, each } from './handlers.ts';
import { stepReplay } from './replay-step.ts';
import { resend } from './resend.ts';

const findWebhook = 'SELECT 1 FROM webhooks WHERE instance_id = $1 AND id = $2';
const insertReplay = `
  INSERT INTO replays (instance_id, id, target, states, event_type, since, max_per_second, created_at, cursor, counted,
    total, resent, skipped, due_at, ended_at, canceled)
  VALUES ($1, $2, $3, $4, $5, $6, $7, pharos_now(), '${leastUuid}', 0, NULL, 0, 0, pharos_now(),
    NULL, false)`;
const lockReplay = 'SELECT ended_at FROM replays WHERE instance_id = $1 AND id = $2 FOR UPDATE';
const cancel = `
  UPDATE replays SET due_at = NULL, ended_at = pharos_now(), canceled = true WHERE instance_id = $1 AND id = $2`;

export const replayCommands: CommandHandlers<ReplayCommands> = {
  resendMessages: batch(resend),
  createReplays: each(async (sql, replay) => {
    const { instanceId, replayId, target, states, eventType, since, maxPerSecond } = replay;
    const webhookId = webhookIdOf(target);
    if (webhookId !== null && !(await sql.get(findWebhook, [instanceId, webhookId]))) return 'unknown-webhook';
    const filter = [JSON.stringify(states), eventType, since] as const;
    await sql.run(insertReplay, [instanceId, replayId, target, ...filter, maxPerSecond]);
    return 'created';
  }),
  cancelReplays: each(async (sql, { instanceId, replayId }) => {
    const replay = await sql.get<Pick<ReplayRow, 'ended_at'>>(lockReplay, [instanceId, replayId]);
    if (!replay) return 'unknown-replay';
    if (replay.ended_at !== null) return 'ended';
    await sql.run(cancel, [instanceId, replayId]);
    return 'canceled';
  }),
  stepReplays: each(stepReplay),
};

// From one to the next, and none of the messages between them is looked at.
const listTargets = (condition: string): string => {
  const next = (after: string) => `
    SELECT target FROM messages WHERE instance_id = $1 AND target > ${after} AND ${condition} ORDER BY target LIMIT 1`;
  return `
    WITH RECURSIVE found AS (
      (${next('$2')}) UNION ALL SELECT n.target FROM found f CROSS JOIN LATERAL (${next('f.target')}) n
    )
    SELECT target FROM found LIMIT $3`;
};
const listAllTargets = listTargets('true');
const listFailedTargets = listTargets("state IN ('exhausted', 'held')");

const list = `SELECT ${replayColumns} FROM replays WHERE instance_id = $1 ORDER BY id DESC LIMIT $2`;
const find = `SELECT ${replayColumns} FROM replays WHERE instance_id = $1 AND id = $2`;

export const replayQueries: QueryHandlers<ReplayQueries> = {
  listUrlTargets: async (sql, { instanceId, states, after, limit }) => {
    const statement = states.includes('delivered') ? listAllTargets : listFailedTargets;
    const first = after < urlTargetPrefix ? urlTargetPrefix : after;
    const rows = await sql.all<{ target: string }>(statement, [instanceId, first, limit]);
    return rows.map(({ target }) => target);
  },
  listReplays: async (sql, { instanceId, limit }) =>
    (await sql.all<ReplayRow>(list, [instanceId, limit])).map(toReplay),
  findReplay: async (sql, { instanceId, replayId }) => {
    const row = await sql.get<ReplayRow>(find, [instanceId, replayId]);
    return row ? toReplay(row) : null;
  },
};

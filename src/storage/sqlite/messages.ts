import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type {
  AttemptRecord,
  ClaimedMessage,
  DropReason,
  MessageCommands,
  MessageQueries,
  MessageState,
  MessageView,
} from '../../core/ports/message-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

interface MessageRow {
  instance_id: string;
  id: string;
  webhook_id: string | null;
  event_type: ClaimedMessage['eventType'];
  event_id: string;
  event_at: number;
  publish_id: string;
  state: MessageState;
  drop_reason: DropReason | null;
  attempts: number;
  due_at: number | null;
}

const toMessage = (row: MessageRow) => ({
  instanceId: row.instance_id,
  messageId: row.id,
  webhookId: row.webhook_id,
  eventType: row.event_type,
  eventId: row.event_id,
  eventAt: row.event_at,
  publishId: row.publish_id,
  attempts: row.attempts,
});

const targetKey = (instanceId: string, webhookId: string | null): string => `${instanceId} ${webhookId ?? ''}`;

const columns =
  'm.instance_id, m.id, m.webhook_id, m.event_type, m.event_id, m.event_at, m.publish_id, m.state, m.drop_reason, m.attempts, m.due_at';

export function prepareMessageCommands(db: DatabaseSync): CommandHandlers<MessageCommands> {
  // The first entry of each target in the index, one after another: its earliest due message.
  const findNextTarget = prepare<{ instance_id: string; target: string; due_at: number }>(
    db,
    `SELECT instance_id, ifnull(webhook_id, '') AS target, due_at FROM messages INDEXED BY messages_by_target_due
     WHERE due_at IS NOT NULL AND (instance_id, ifnull(webhook_id, '')) > (?, ?)
     ORDER BY instance_id, ifnull(webhook_id, ''), due_at LIMIT 1`,
  );
  const listDue = prepare<
    MessageRow & {
      user_number: number | null;
      user: string | null;
      action: string | null;
      platform: Platform | null;
      device_id: string | null;
    }
  >(
    db,
    `SELECT ${columns}, m.user_number, m.action, u.name AS user, d.platform, d.id AS device_id
     FROM messages m INDEXED BY messages_by_target_due LEFT JOIN users u ON u.number = m.user_number
       LEFT JOIN devices d ON d.number = m.device_number
     WHERE m.due_at IS NOT NULL AND m.instance_id = ? AND ifnull(m.webhook_id, '') = ? AND m.due_at <= ?
     ORDER BY m.due_at LIMIT ?`,
  );
  const listDueTargets = (now: number) => {
    const targets = [];
    let next = findNextTarget.get('', '');
    while (next) {
      if (next.due_at <= now) targets.push(next);
      next = findNextTarget.get(next.instance_id, next.target);
    }
    return targets.sort((one, other) => one.due_at - other.due_at);
  };
  const lease = prepare(
    db,
    'UPDATE messages SET claim_token = ?, due_at = ? WHERE instance_id = ? AND day = ? AND id = ?',
  );
  const findMessage = prepare<{
    claim_token: string | null;
    attempts: number;
    event_type: ClaimedMessage['eventType'];
    publish_id: string;
    user_erased: 0 | 1;
  }>(
    db,
    `SELECT claim_token, attempts, event_type, publish_id,
       EXISTS (SELECT 1 FROM users u WHERE u.number = m.user_number AND u.name IS NULL) AS user_erased
     FROM messages m WHERE instance_id = ? AND day = ? AND id = ?`,
  );
  const insertAttempt = prepare(
    db,
    `INSERT INTO attempts (instance_id, day, message_id, number, started_at, duration_ms, status, error)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const complete = prepare(
    db,
    `UPDATE messages SET state = ?, drop_reason = ?, attempts = ?, due_at = ?, claim_token = NULL
     WHERE instance_id = ? AND day = ? AND id = ?`,
  );
  const releaseFinished = prepare(
    db,
    `UPDATE messages INDEXED BY messages_to_publish_webhook SET due_at = ?
     WHERE instance_id = ? AND publish_id = ? AND webhook_id IS NULL AND event_type = 'publish.finished'
       AND state = 'waiting' AND due_at IS NULL`,
  );

  return {
    claimMessages: ({ limit, leaseMs, maxPerTarget, inFlight }) => {
      const now = Date.now();
      const taken = new Map(inFlight.map((target) => [targetKey(target.instanceId, target.webhookId), target.count]));
      const claimed: ClaimedMessage[] = [];
      for (const { instance_id: instanceId, target } of listDueTargets(now)) {
        const room = Math.min(maxPerTarget - (taken.get(targetKey(instanceId, target)) ?? 0), limit - claimed.length);
        if (room <= 0) continue;
        for (const row of listDue.all(instanceId, target, now, room)) {
          const claimToken = randomUUID();
          lease.run(claimToken, now + leaseMs, instanceId, uuidV7Day(row.id), row.id);
          const user = row.user_number === null ? null : row.user === null ? 'erased' : { name: row.user };
          const device = row.platform && row.device_id ? { platform: row.platform, deviceId: row.device_id } : null;
          claimed.push({ ...toMessage(row), claimToken, user, device, action: row.action });
        }
      }
      return claimed;
    },
    completeAttempts: ({ instanceId, messageId, claimToken, attempt, next: asked }) => {
      const day = uuidV7Day(messageId);
      const message = findMessage.get(instanceId, day, messageId);
      if (message?.claim_token !== claimToken) return 'stale';
      const now = Date.now();
      const attempts = message.attempts + (attempt ? 1 : 0);
      if (attempt) {
        const { startedAt, durationMs, status, error } = attempt;
        insertAttempt.run(instanceId, day, messageId, attempts, startedAt, durationMs, status, error);
      }
      const userErased = asked.kind === 'retry' && message.user_erased === 1;
      const next = userErased ? ({ kind: 'dropped', reason: 'user-erased' } as const) : asked;
      const isRetry = next.kind === 'retry';
      complete.run(
        ...[isRetry ? 'waiting' : next.kind, next.kind === 'dropped' ? next.reason : null],
        ...[attempts, isRetry ? now + next.retryInMs : null],
        ...[instanceId, day, messageId],
      );
      // FINISHED waits for STARTED's first attempt, or for the decision that there will be none.
      if (message.event_type === 'publish.started' && (attempts > 0 || !isRetry)) {
        releaseFinished.run(now, instanceId, message.publish_id);
      }
      return 'recorded';
    },
  };
}

export function prepareMessageQueries(db: DatabaseSync): QueryHandlers<MessageQueries> {
  const listBy = (condition: string, order = 'm.id DESC') =>
    prepare<MessageRow>(
      db,
      `SELECT ${columns} FROM messages m WHERE m.instance_id = ? AND ${condition} ORDER BY ${order} LIMIT ?`,
    );
  const listAll = listBy('(m.day, m.id) < (?, ?)', 'm.day DESC, m.id DESC');
  const listByWebhook = listBy('m.webhook_id = ? AND m.id < ?');
  const listByPublish = listBy('m.publish_id = ? AND m.id < ?');
  const listByBoth = listBy('m.publish_id = ? AND m.webhook_id = ? AND m.id < ?');
  const findMessage = prepare(db, 'SELECT 1 FROM messages WHERE instance_id = ? AND day = ? AND id = ?');
  const listAttempts = prepare<{
    started_at: number;
    duration_ms: number;
    status: number | null;
    error: string | null;
  }>(
    db,
    `SELECT started_at, duration_ms, status, error FROM attempts
     WHERE instance_id = ? AND day = ? AND message_id = ? ORDER BY number`,
  );
  // Later than every UUID.
  const endOfTime = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

  return {
    listMessages: ({ instanceId, webhookId, publishId, before = endOfTime, limit }) => {
      const rows =
        webhookId === undefined
          ? publishId === undefined
            ? listAll.all(instanceId, uuidV7Day(before), before, limit)
            : listByPublish.all(instanceId, publishId, before, limit)
          : publishId === undefined
            ? listByWebhook.all(instanceId, webhookId, before, limit)
            : listByBoth.all(instanceId, publishId, webhookId, before, limit);
      return rows.map((row): MessageView => ({
        ...toMessage(row),
        state: row.state,
        dropReason: row.drop_reason,
        dueAt: row.due_at,
      }));
    },
    listAttempts: ({ instanceId, messageId }) => {
      const key = [instanceId, uuidV7Day(messageId), messageId] as const;
      if (!findMessage.get(...key)) return null;
      return listAttempts.all(...key).map((row): AttemptRecord => ({
        startedAt: row.started_at,
        durationMs: row.duration_ms,
        status: row.status,
        error: row.error,
      }));
    },
  };
}

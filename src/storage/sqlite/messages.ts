import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedMessage, MessageCommands } from '../../core/ports/message-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CommandHandlers } from './handlers.ts';
import type { MessageRow } from './message-row.ts';
import { messageColumns, toMessage } from './message-row.ts';
import { prepare } from './statement.ts';

const targetKey = (instanceId: string, webhookId: string | null): string => `${instanceId} ${webhookId ?? ''}`;

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
    `SELECT ${messageColumns}, m.user_number, m.action, u.name AS user, d.platform, d.id AS device_id
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
    `INSERT INTO attempts (instance_id, day, message_id, number, started_at, duration_ms, status, error, address,
       response_headers, response_body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
        const { startedAt, durationMs, status, error, address, responseHeaders, responseBody } = attempt;
        insertAttempt.run(
          ...[instanceId, day, messageId, attempts, startedAt, durationMs, status, error, address],
          ...(message.user_erased === 1
            ? [null, null]
            : [responseHeaders && JSON.stringify(responseHeaders), responseBody]),
        );
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

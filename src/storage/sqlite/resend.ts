import type { DatabaseSync } from 'node:sqlite';
import type { MessageKey } from '../../core/ports/message-store.ts';
import type { ResendRefusal } from '../../core/ports/replay-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { ResendRow } from '../rows/resend-refusal.ts';
import { resendRefusalOf } from '../rows/resend-refusal.ts';
import { prepareLeaveBatches } from './left-batches.ts';
import type { MessageLeases } from './message-leases.ts';
import { prepareHurryTurn } from './message-turns.ts';
import { prepare } from './statement.ts';

/** Makes a message due now: one that was over begins a new schedule. */
export function prepareResend(
  db: DatabaseSync,
  leases: Pick<MessageLeases, 'isLive' | 'remove'>,
): (key: MessageKey) => 'due' | ResendRefusal {
  const findMessage = prepare<ResendRow & { batch_id: string | null }>(
    db,
    `SELECT m.state, m.target, m.due_at, m.claim_token, m.batch_id,
       EXISTS (SELECT 1 FROM users u WHERE u.number = m.user_number AND u.name IS NULL) AS user_erased,
       m.publish_id IS NULL OR EXISTS (SELECT 1 FROM publishes p WHERE p.instance_id = m.instance_id AND p.id = m.publish_id) AS has_publish,
       w.id IS NOT NULL AS has_webhook, w.disabled_at IS NOT NULL AS webhook_disabled
     FROM messages m LEFT JOIN webhooks w ON w.instance_id = m.instance_id AND w.id = m.target
     WHERE m.instance_id = ? AND m.day = ? AND m.id = ?`,
  );
  const hurry = prepare(
    db,
    'UPDATE messages SET due_at = ?, claim_token = NULL, batch_id = NULL WHERE instance_id = ? AND day = ? AND id = ?',
  );
  const beginAgain = prepare(
    db,
    `UPDATE messages SET state = 'waiting', drop_reason = NULL, due_at = ?, claim_token = NULL, batch_id = NULL,
       earlier_attempts = attempts
     WHERE instance_id = ? AND day = ? AND id = ?`,
  );

  const leaveBatches = prepareLeaveBatches(db);
  const hurryTurn = prepareHurryTurn(db);

  return ({ instanceId, messageId }) => {
    const key = [instanceId, uuidV7Day(messageId), messageId] as const;
    const now = Date.now();
    const message = findMessage.get(...key);
    if (!message) return 'unknown-message';
    if (message.state === 'waiting' && leases.isLive({ instanceId, messageId })) return 'in-flight';
    const refusal = resendRefusalOf(message, now);
    if (refusal) return refusal;
    leases.remove(messageId);
    if (message.batch_id !== null) leaveBatches(instanceId, key[1], [messageId]);
    (message.state === 'waiting' ? hurry : beginAgain).run(now, ...key);
    hurryTurn({ instanceId, target: message.target }, now);
    return 'due';
  };
}

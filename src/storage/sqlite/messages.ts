import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedMessage, MessageCommands } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepareInsertAttempt } from './insert-attempt.ts';
import { prepareClaimMessages } from './message-claims.ts';
import { prepareCompleteBatches } from './message-batches.ts';
import { prepareRecordHealth } from './webhook-health.ts';
import { prepare } from './statement.ts';

export function prepareMessageCommands(db: DatabaseSync): CommandHandlers<MessageCommands> {
  const findMessage = prepare<{
    row: number;
    claim_token: string | null;
    attempts: number;
    target: string;
    event_type: ClaimedMessage['eventType'];
    publish_id: string | null;
    user_erased: 0 | 1;
  }>(
    db,
    `SELECT rowid AS row, claim_token, attempts, target, event_type, publish_id,
       EXISTS (SELECT 1 FROM users u WHERE u.number = m.user_number AND u.name IS NULL) AS user_erased
     FROM messages m WHERE instance_id = ? AND day = ? AND id = ?`,
  );
  const insertAttempt = prepareInsertAttempt(db);
  const recordHealth = prepareRecordHealth(db);
  const complete = prepare(
    db,
    `UPDATE messages SET state = ?, drop_reason = ?, attempts = ?, due_at = ?, claim_token = NULL WHERE rowid = ?`,
  );
  const releaseFinished = prepare(
    db,
    `UPDATE messages INDEXED BY messages_of_publish SET due_at = ?
     WHERE instance_id = ? AND publish_id = ? AND event_type IN ('publish.started', 'publish.finished')
       AND event_type = 'publish.finished' AND state = 'waiting' AND due_at IS NULL`,
  );

  return {
    ...prepareClaimMessages(db),
    completeBatches: prepareCompleteBatches(db),
    completeAttempts: ({ instanceId, messageId, claimToken, attempt, next: asked, disable = null }) => {
      const day = uuidV7Day(messageId);
      const message = findMessage.get(instanceId, day, messageId);
      if (message?.claim_token !== claimToken) return 'stale';
      const now = Date.now();
      const attempts = message.attempts + (attempt ? 1 : 0);
      if (attempt) {
        const aboutErasedUser = message.user_erased === 1;
        insertAttempt({ instanceId, id: messageId, number: attempts, aboutErasedUser }, attempt);
      }
      const userErased = asked.kind === 'retry' && message.user_erased === 1;
      const next = userErased ? ({ kind: 'dropped', reason: 'user-erased' } as const) : asked;
      const isRetry = next.kind === 'retry';
      complete.run(
        ...[isRetry ? 'waiting' : next.kind, next.kind === 'dropped' ? next.reason : null],
        ...[attempts, isRetry ? now + next.retryInMs : null],
        message.row,
      );
      // FINISHED waits for STARTED's first attempt, or for the decision that there will be none.
      if (message.event_type === 'publish.started' && (attempts > 0 || !isRetry)) {
        releaseFinished.run(now, instanceId, message.publish_id);
      }
      const webhookId = webhookIdOf(message.target);
      if (!attempt || webhookId === null) return 'recorded';
      const succeeded = next.kind === 'delivered';
      return recordHealth({ instanceId, webhookId, succeeded, disable }) ? 'disabled' : 'recorded';
    },
  };
}

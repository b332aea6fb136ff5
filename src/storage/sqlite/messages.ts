import type { DatabaseSync } from 'node:sqlite';
import type { MessageCommands } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepareInsertAttempt } from './insert-attempt.ts';
import { prepareCompleteBatches } from './message-batches.ts';
import type { ClaimHandlers } from './message-claims.ts';
import { prepareClaimMessages } from './message-claims.ts';
import type { MessageLease, MessageLeases } from './message-leases.ts';
import type { HurryTurn } from './message-turns.ts';
import { prepareHurryTurn } from './message-turns.ts';
import type { Outbox } from './outbox.ts';
import type { PackedCompletion } from './packed-completions.ts';
import { prepare } from './statement.ts';
import type { RecordHealth } from './webhook-health.ts';
import { prepareRecordHealth } from './webhook-health.ts';
import type { WriterMemory } from './writer-memory.ts';

type Completed = ReturnType<CommandHandlers<MessageCommands>['completeAttempts']>;

export interface MessageHandlers
  extends ClaimHandlers, CommandHandlers<Omit<MessageCommands, 'claimMessages' | 'completeAttempts'>> {
  readonly completeAttempts: (item: PackedCompletion) => Completed;
}

export function prepareMessageCommands(
  db: DatabaseSync,
  { leases, undoLog }: WriterMemory,
  outbox: Outbox,
): MessageHandlers {
  const recordHealth = prepareRecordHealth(db, undoLog, outbox);
  return {
    ...prepareClaimMessages(db, leases),
    completeBatches: prepareCompleteBatches(db, recordHealth),
    completeAttempts: prepareCompleteAttempts(db, leases, recordHealth),
  };
}

function prepareCompleteAttempts(
  db: DatabaseSync,
  leases: MessageLeases,
  recordHealth: RecordHealth,
): MessageHandlers['completeAttempts'] {
  const isErased = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM users WHERE number = ? AND name IS NULL');
  // The row may be dropped or gone since; or this was committed before, and nobody could tell.
  const complete = prepare(
    db,
    `UPDATE messages SET state = ?, drop_reason = ?, attempts = ?, due_at = ?
     WHERE rowid = ? AND id = ? AND attempts = ? AND state IN ('waiting', 'held')`,
  );
  const insertAttempt = prepareInsertAttempt(db);
  const hurryTurn = prepareHurryTurn(db);
  const releaseFinished = prepareReleaseFinished(db, hurryTurn);

  const fateOf = ([, , , kind, dropReason, retryInMs]: PackedCompletion, userErased: boolean) => {
    if (kind === 'retry' && userErased) return ['dropped', 'user-erased', null] as const;
    return [
      kind === 'retry' ? 'waiting' : kind,
      dropReason,
      retryInMs === null ? null : Date.now() + retryInMs,
    ] as const;
  };

  return (completion) => {
    const [instanceId, messageId, claimToken, kind, , , disable, attempt] = completion;
    const lease = leases.find({ instanceId, messageId });
    if (lease?.claimToken !== claimToken) return 'stale';
    leases.remove(messageId);
    const attempts = lease.attempts + (attempt ? 1 : 0);
    const aboutErasedUser = lease.userNumber !== null && isErased.get(lease.userNumber) !== undefined;
    const [state, dropReason, dueAt] = fateOf(completion, aboutErasedUser);
    const written = complete.run(state, dropReason, attempts, dueAt, lease.row, messageId, lease.attempts);
    if (written === 0) return 'stale';
    if (attempt) insertAttempt({ instanceId, id: messageId, number: attempts, aboutErasedUser }, attempt);
    if (dueAt !== null) hurryTurn(lease, dueAt);
    // FINISHED waits for STARTED's first attempt, or for the decision that there will be none.
    if (lease.eventType === 'publish.started' && (attempts > 0 || dueAt === null)) releaseFinished(lease);
    const webhookId = webhookIdOf(lease.target);
    if (!attempt || webhookId === null) return 'recorded';
    return recordHealth({ instanceId, webhookId, succeeded: kind === 'delivered', disable }) ? 'disabled' : 'recorded';
  };
}

/** Both are for the same target. */
function prepareReleaseFinished(db: DatabaseSync, hurryTurn: HurryTurn): (started: MessageLease) => void {
  const release = prepare(
    db,
    `UPDATE messages INDEXED BY messages_of_publish SET due_at = ?
     WHERE instance_id = ? AND publish_id = ? AND event_type IN ('publish.started', 'publish.finished')
       AND event_type = 'publish.finished' AND state = 'waiting' AND due_at IS NULL`,
  );
  return (started) => {
    const now = Date.now();
    if (release.run(now, started.instanceId, started.publishId) > 0) hurryTurn(started, now);
  };
}

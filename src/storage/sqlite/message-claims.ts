import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ClaimMessages, MessageCommands, MessageQueries, MessageTarget } from '../../core/ports/message-store.ts';
import { requestSize, webhookIdOf } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { aboutJoins } from '../rows/message-row.ts';
import { prepareForArrays } from './array-statement.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepareLeaveBatches } from './left-batches.ts';
import type { BatchClaim } from './message-batches.ts';
import { prepareClaimBatch } from './message-batches.ts';
import type { MessageLeases } from './message-leases.ts';
import { prepareTurns } from './message-turns.ts';
import type { ClaimedRow, PackedMessages } from './packed-messages.ts';
import { claimedColumns } from './packed-messages.ts';
import { prepare } from './statement.ts';

/** Messages of a target that were claimed together, and how many requests they are. */
interface Claimed {
  readonly requests: number;
  /** `requestSize` of them all. */
  readonly size: number;
  readonly packed: readonly PackedMessages[];
}

export interface ClaimHandlers extends CommandHandlers<Pick<MessageCommands, 'holdMessages'>> {
  readonly claimMessages: (item: ClaimMessages) => readonly PackedMessages[];
}

export function prepareClaimMessages(db: DatabaseSync, leases: MessageLeases): ClaimHandlers {
  const turns = prepareTurns(db, leases);
  const claimSingles = prepareClaimSingles(db, leases);
  const claimBatch = prepareClaimBatch(db, leases);
  const hold = prepare(
    db,
    `UPDATE messages SET state = 'held', due_at = NULL WHERE instance_id = ?1 AND (day, id) IN
       (SELECT day, id FROM messages INDEXED BY messages_by_target_due
        WHERE instance_id = ?1 AND target = ?2 AND due_at IS NOT NULL AND state = 'waiting' AND (claim_token IS NULL OR due_at <= ?3)
          AND rowid NOT IN (SELECT value FROM json_each(?5)) LIMIT ?4)
       AND EXISTS (SELECT 1 FROM webhooks WHERE instance_id = ?1 AND id = ?2 AND disabled_at IS NOT NULL)`,
  );

  const claimBatches = (claim: BatchClaim, room: number, limit: number): Claimed => {
    const packed: PackedMessages[] = [];
    let size = 0;
    while (packed.length < room && size < limit) {
      const batch = claimBatch(claim);
      if (!batch) break;
      size += requestSize(batch.rows.length);
      packed.push(batch);
    }
    return { requests: packed.length, size, packed };
  };

  return {
    claimMessages: ({ limit, leaseMs, targets }) => {
      const now = Date.now();
      const claimed: PackedMessages[] = [];
      let left = limit;
      for (const { instanceId, target, room, restMs, batch } of targets) {
        // The others keep their turns.
        if (left <= 0) break;
        const { requests, size, packed } =
          batch && webhookIdOf(target) !== null
            ? claimBatches({ instanceId, webhookId: target, batch, now, leaseMs }, room, left)
            : claimSingles({ instanceId, target }, Math.min(room, left), now, leaseMs);
        left -= size;
        claimed.push(...packed);
        if (requests === room) turns.rest({ instanceId, target }, now, restMs);
        // Behind all others that wait.
        else if (left <= 0) turns.set({ instanceId, target }, now);
        else turns.setToFirst({ instanceId, target });
      }
      return claimed;
    },
    holdMessages: ({ instanceId, webhookId, limit }) =>
      hold.run(instanceId, webhookId, Date.now(), limit, leases.liveRows({ instanceId, target: webhookId })),
  };
}

function prepareClaimSingles(
  db: DatabaseSync,
  leases: MessageLeases,
): (target: MessageTarget, wanted: number, now: number, leaseMs: number) => Claimed {
  const listDue = prepareForArrays<ClaimedRow>(
    db,
    `SELECT ${claimedColumns} FROM messages m INDEXED BY messages_by_target_due ${aboutJoins}
     WHERE m.due_at IS NOT NULL AND m.instance_id = ? AND m.target = ? AND m.due_at <= ?
       AND m.rowid NOT IN (SELECT value FROM json_each(?))
     ORDER BY m.due_at LIMIT ?`,
  );
  const leave = prepare(db, 'UPDATE messages SET claim_token = NULL, batch_id = NULL WHERE rowid = ?');
  const leaveBatches = prepareLeaveBatches(db);

  return ({ instanceId, target }, wanted, now, leaseMs) => {
    const rows = wanted > 0 ? listDue(instanceId, target, now, leases.liveRows({ instanceId, target }), wanted) : [];
    if (rows.length === 0) return { requests: 0, size: 0, packed: [] };
    const claimToken = randomUUID();
    const endsAt = now + leaseMs;
    for (const [row, messageId, eventType, , , publishId, attempts, , batchId, oldToken, userNumber] of rows) {
      if (batchId !== null) leaveBatches(instanceId, uuidV7Day(messageId), [messageId]);
      if (batchId !== null || oldToken !== null) leave.run(row);
      const about = { eventType, publishId, userNumber, attempts };
      leases.add({ instanceId, target, messageId, row, claimToken, endsAt, ...about });
    }
    const size = rows.length * requestSize(1);
    return { requests: rows.length, size, packed: [{ instanceId, target, claimToken, batchId: null, rows }] };
  };
}

export function prepareTurnQueries(db: DatabaseSync): QueryHandlers<Pick<MessageQueries, 'listTurns'>> {
  const list = prepare<{ instance_id: string; target: string }>(
    db,
    'SELECT instance_id, target FROM message_turns WHERE turn_at <= ? ORDER BY turn_at LIMIT ?',
  );
  return {
    listTurns: (limit) =>
      list.all(Date.now(), limit).map(({ instance_id: instanceId, target }) => ({ instanceId, target })),
  };
}

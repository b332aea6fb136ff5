import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedMessage, MessageCommands, MessageQueries, MessageTarget } from '../../core/ports/message-store.ts';
import { requestSize, webhookIdOf } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import type { BatchClaim } from './message-batches.ts';
import { prepareLeaveBatches } from './left-batches.ts';
import { prepareClaimBatch } from './message-batches.ts';
import type { AboutRow, MessageRow } from '../rows/message-row.ts';
import { messageColumns } from './message-columns.ts';
import { aboutColumns, aboutJoins, toAbout, toMessage } from '../rows/message-row.ts';
import { prepare } from './statement.ts';

export function prepareClaimMessages(
  db: DatabaseSync,
): CommandHandlers<Pick<MessageCommands, 'claimMessages' | 'holdMessages'>> {
  const listDue = prepare<MessageRow & AboutRow & { row: number }>(
    db,
    `SELECT m.rowid AS row, ${messageColumns}, ${aboutColumns} FROM messages m INDEXED BY messages_by_target_due ${aboutJoins}
     WHERE m.due_at IS NOT NULL AND m.instance_id = ? AND m.target = ? AND m.due_at <= ?
     ORDER BY m.due_at LIMIT ?`,
  );
  const findFirst = prepare<{ due_at: number }>(
    db,
    `SELECT due_at FROM messages INDEXED BY messages_by_target_due
     WHERE due_at IS NOT NULL AND instance_id = ? AND target = ? ORDER BY due_at LIMIT 1`,
  );
  const lease = prepare(db, 'UPDATE messages SET claim_token = ?, due_at = ?, batch_id = NULL WHERE rowid = ?');
  const setTurn = prepare(db, 'UPDATE message_turns SET turn_at = ?, resting = ? WHERE instance_id = ? AND target = ?');
  const endTurns = prepare(db, 'DELETE FROM message_turns WHERE instance_id = ? AND target = ?');
  const hold = prepare(
    db,
    `UPDATE messages SET state = 'held', due_at = NULL WHERE instance_id = ?1 AND (day, id) IN
       (SELECT day, id FROM messages INDEXED BY messages_by_target_due
        WHERE instance_id = ?1 AND target = ?2 AND due_at IS NOT NULL AND state = 'waiting' AND (claim_token IS NULL OR due_at <= ?3) LIMIT ?4)
       AND EXISTS (SELECT 1 FROM webhooks WHERE instance_id = ?1 AND id = ?2 AND disabled_at IS NOT NULL)`,
  );

  const claimBatch = prepareClaimBatch(db);
  const leaveBatches = prepareLeaveBatches(db);

  /** The messages of each request. */
  type Requests = readonly (readonly ClaimedMessage[])[];

  const claimSingles = (
    { instanceId, target }: MessageTarget,
    wanted: number,
    now: number,
    leaseMs: number,
  ): Requests => {
    const rows = wanted > 0 ? listDue.all(instanceId, target, now, wanted) : [];
    const claimToken = randomUUID();
    return rows.map((row) => {
      if (row.batch_id !== null) leaveBatches(instanceId, uuidV7Day(row.id), [row.id]);
      lease.run(claimToken, now + leaseMs, row.row);
      return [{ ...toMessage(row), ...toAbout(row), claimToken, batchId: null }];
    });
  };
  const claimBatches = (claim: BatchClaim, room: number, limit: number): Requests => {
    const batches: (readonly ClaimedMessage[])[] = [];
    for (let size = 0; batches.length < room && size < limit;) {
      const batch = claimBatch(claim);
      if (batch.length === 0) break;
      size += requestSize(batch.length);
      batches.push(batch);
    }
    return batches;
  };

  return {
    claimMessages: ({ limit, leaseMs, targets }) => {
      const now = Date.now();
      const claimed: ClaimedMessage[] = [];
      let left = limit;
      for (const { instanceId, target, room, restMs, batch } of targets) {
        // The others keep their turns.
        if (left <= 0) break;
        const requests =
          batch && webhookIdOf(target) !== null
            ? claimBatches({ instanceId, webhookId: target, batch, now, leaseMs }, room, left)
            : claimSingles({ instanceId, target }, Math.min(room, left), now, leaseMs);
        for (const messages of requests) {
          left -= requestSize(messages.length);
          claimed.push(...messages);
        }
        if (requests.length === room) setTurn.run(now + restMs, 1, instanceId, target);
        // Behind all others that wait.
        else if (left <= 0) setTurn.run(now, 0, instanceId, target);
        else {
          const first = findFirst.get(instanceId, target);
          if (first) setTurn.run(first.due_at, 0, instanceId, target);
          else endTurns.run(instanceId, target);
        }
      }
      return claimed;
    },
    holdMessages: ({ instanceId, webhookId, limit }) => hold.run(instanceId, webhookId, Date.now(), limit),
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

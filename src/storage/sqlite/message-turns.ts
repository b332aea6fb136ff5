import type { DatabaseSync } from 'node:sqlite';
import type { MessageTarget } from '../../core/ports/message-store.ts';
import type { MessageLeases } from './message-leases.ts';
import { prepare } from './statement.ts';

/** When targets that something waits for have their next turn. */
export interface Turns {
  set(target: MessageTarget, at: number): void;
  /** What falls due meanwhile does not bring the turn forward. */
  rest(target: MessageTarget, now: number, restMs: number): void;
  /** Of what waits; none when nothing does. */
  setToFirst(target: MessageTarget): void;
}

/** Everything that makes a message due says so: its target has its turn then, unless it has it sooner, or rests. */
export type HurryTurn = (target: MessageTarget, dueAt: number) => void;

export function prepareHurryTurn(db: DatabaseSync): HurryTurn {
  const hurry = prepare(
    db,
    `INSERT INTO message_turns (instance_id, target, turn_at, resting) VALUES (?, ?, ?, 0)
     ON CONFLICT (instance_id, target) DO UPDATE SET turn_at = excluded.turn_at
     WHERE excluded.turn_at < turn_at AND resting = 0`,
  );
  return ({ instanceId, target }, dueAt) => void hurry.run(instanceId, target, dueAt);
}

/** A long rest is only for the case that nobody names the target sooner: ended a bit early, it need not be written with each claim. */
const [longRestMs, earlyMs] = [60_000, 10_000];

export function prepareTurns(db: DatabaseSync, leases: Pick<MessageLeases, 'liveRows' | 'firstEnd'>): Turns {
  const write = prepare(
    db,
    `UPDATE message_turns SET turn_at = ?1, resting = ?2
     WHERE instance_id = ?3 AND target = ?4 AND (resting <> ?2 OR turn_at NOT BETWEEN ?5 AND ?1)`,
  );
  const end = prepare(db, 'DELETE FROM message_turns WHERE instance_id = ? AND target = ?');
  const findFirst = prepare<{ due_at: number }>(
    db,
    `SELECT due_at FROM messages INDEXED BY messages_by_target_due
     WHERE due_at IS NOT NULL AND instance_id = ? AND target = ? AND rowid NOT IN (SELECT value FROM json_each(?))
     ORDER BY due_at LIMIT 1`,
  );
  const set: Turns['set'] = ({ instanceId, target }, at) => void write.run(at, 0, instanceId, target, at);

  return {
    set,
    rest: ({ instanceId, target }, now, restMs) => {
      const at = now + restMs;
      write.run(at, 1, instanceId, target, restMs < longRestMs ? at : at - earlyMs);
    },
    setToFirst: (target) => {
      const { instanceId } = target;
      // Before the others: a lease that ends in between is then counted twice, and not left out twice.
      const firstEnd = leases.firstEnd(target);
      const first = findFirst.get(instanceId, target.target, leases.liveRows(target))?.due_at ?? Infinity;
      const at = Math.min(first, firstEnd);
      if (at === Infinity) end.run(instanceId, target.target);
      else set(target, at);
    },
  };
}

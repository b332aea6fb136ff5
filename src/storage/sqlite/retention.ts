import type { DatabaseSync } from 'node:sqlite';
import type { RetentionCommands } from '../../core/ports/retention-store.ts';
import { dayOf } from '../rows/day.ts';
import { prepareShortenFeed } from './feed.ts';
import { filesOf } from '../rows/filed-attempts.ts';
import type { MessageRow } from '../rows/message-row.ts';
import { firstUuidOf } from '../rows/first-uuid.ts';
import type { CommandHandlers } from './handlers.ts';
import type { ReportCounters } from './report-counters.ts';
import { prepare } from './statement.ts';

const dayMs = 86_400_000;

/** What one step has to do: the instance, the first day that stays, and the rows it may still delete. */
interface Step {
  readonly instanceId: string;
  readonly firstDay: number;
  rowsLeft: number;
}

export function prepareRetentionCommands(
  db: DatabaseSync,
  counters: Pick<ReportCounters, 'write'>,
): CommandHandlers<RetentionCommands> {
  const deleteMessages = prepareDeleteMessages(db);
  const deleteEvents = prepareDeleteEventsByDay(db, 'events', 'instance_id, day, id');
  const deleteReports = prepareDeleteEventsByDay(
    db,
    'reports',
    'instance_id, day, publish_id, device_number, kind, action',
  );
  const deleteIgnoredReports = prepareDeleteByDay(db, 'ignored_reports', 'instance_id, day, reason');
  const deleteReplays = prepareDeleteReplays(db);
  const deletePublishes = prepareDeletePublishes(db);
  const deleteTombstones = prepareDeleteTombstones(db);
  const deleteUsers = prepareDeleteUsers(db);
  const forgetSecretKey = prepare(
    db,
    `UPDATE instances SET previous_secret_key = NULL, previous_secret_key_ends_at = NULL
     WHERE id = ? AND previous_secret_key_ends_at <= ?`,
  );
  // What refers to others goes before them.
  const stages = [
    ...[deleteMessages, deleteEvents, deleteReports, deleteIgnoredReports, deleteReplays],
    ...[deletePublishes, deleteTombstones, deleteUsers],
  ];

  return {
    // Here all days are in the same table.
    dropExpiredDays: () => ({ more: false }),
    deleteExpired: ({ instanceId, before, maxRows }) => {
      counters.write();
      forgetSecretKey.run(instanceId, Date.now());
      const step: Step = { instanceId, firstDay: dayOf(before), rowsLeft: maxRows };
      for (const stage of stages) {
        if (step.rowsLeft > 0) stage(step);
      }
      return { deleted: maxRows - step.rowsLeft, more: step.rowsLeft <= 0 };
    },
  };
}

function prepareDeleteMessages(db: DatabaseSync): (step: Step) => void {
  const listFinished = prepare<Pick<MessageRow, 'id' | 'batch_id' | 'left_batches'> & { day: number }>(
    db,
    `SELECT day, id, batch_id, left_batches FROM messages WHERE instance_id = ? AND day < ? AND state <> 'waiting' ORDER BY day, id LIMIT ?`,
  );
  const deleteAttempts = prepare(db, 'DELETE FROM attempts WHERE instance_id = ? AND day = ? AND message_id = ?');
  const deleteMessage = prepare(db, 'DELETE FROM messages WHERE instance_id = ? AND day = ? AND id = ?');
  return (step) => {
    for (const message of listFinished.all(step.instanceId, step.firstDay, step.rowsLeft)) {
      if (step.rowsLeft <= 0) return;
      const { day, id } = message;
      for (const key of filesOf(message).keys()) step.rowsLeft -= deleteAttempts.run(step.instanceId, day, key);
      step.rowsLeft -= deleteMessage.run(step.instanceId, day, id);
    }
  };
}

function prepareDeleteByDay(db: DatabaseSync, table: string, key: string): (step: Step) => void {
  const deleteOldest = prepare(
    db,
    `DELETE FROM ${table} WHERE (${key}) IN
       (SELECT ${key} FROM ${table} WHERE instance_id = ? AND day < ? ORDER BY day LIMIT ?)`,
  );
  return (step) => {
    step.rowsLeft -= deleteOldest.run(step.instanceId, step.firstDay, step.rowsLeft);
  };
}

/** Readers of the feed are told that they missed what they had not read by now. */
function prepareDeleteEventsByDay(db: DatabaseSync, table: 'events' | 'reports', key: string): (step: Step) => void {
  const deleteOldest = prepare<{ feed_position: number | null }>(
    db,
    `DELETE FROM ${table} WHERE (${key}) IN
       (SELECT ${key} FROM ${table} WHERE instance_id = ? AND day < ? ORDER BY day LIMIT ?) RETURNING feed_position`,
  );
  const shortenFeed = prepareShortenFeed(db);
  return (step) => {
    const deleted = deleteOldest.all(step.instanceId, step.firstDay, step.rowsLeft);
    step.rowsLeft -= deleted.length;
    const last = Math.max(...deleted.map((row) => row.feed_position ?? 0), 0);
    if (last > 0) shortenFeed(step.instanceId, last);
  };
}

function prepareDeleteReplays(db: DatabaseSync): (step: Step) => void {
  const deleteOldest = prepare(
    db,
    `DELETE FROM replays WHERE (instance_id, id) IN
       (SELECT instance_id, id FROM replays WHERE instance_id = ? AND ended_at < ? ORDER BY id LIMIT ?)`,
  );
  return (step) => {
    step.rowsLeft -= deleteOldest.run(step.instanceId, step.firstDay * dayMs, step.rowsLeft);
  };
}

function prepareDeletePublishes(db: DatabaseSync): (step: Step) => void {
  // Messages are rendered from their publish: it stays until none can be sent any more.
  const findFinished = prepare<{ id: string }>(
    db,
    `SELECT p.id FROM publishes p WHERE p.instance_id = ? AND p.id > ? AND p.id < ? AND p.finished_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM messages m
         WHERE m.instance_id = p.instance_id AND m.publish_id = p.id
           AND m.state IN ('waiting', 'held', 'exhausted'))
     ORDER BY p.id LIMIT 1`,
  );
  const deletions = [
    'DELETE FROM publish_users WHERE instance_id = ? AND publish_id = ?',
    'DELETE FROM publish_outcomes WHERE instance_id = ? AND publish_id = ?',
    'DELETE FROM publishes WHERE instance_id = ? AND id = ?',
  ].map((sql) => prepare(db, sql));
  return (step) => {
    let after = '';
    while (step.rowsLeft > 0) {
      const publish = findFinished.get(step.instanceId, after, firstUuidOf(step.firstDay * dayMs));
      if (!publish) return;
      for (const deletion of deletions) step.rowsLeft -= deletion.run(step.instanceId, publish.id);
      after = publish.id;
    }
  };
}

function prepareDeleteTombstones(db: DatabaseSync): (step: Step) => void {
  // A deferred delivery is read together with its device. One to an old tombstone is of a publish that is older still.
  const findOldDeferred = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM deferred_deliveries WHERE instance_id = ? AND publish_id < ? LIMIT 1',
  );
  const listOldest = prepare<{ number: number; user_number: number | null }>(
    db,
    'SELECT number, user_number FROM devices WHERE instance_id = ? AND gone_at < ? ORDER BY gone_at LIMIT ?',
  );
  const deleteDevice = prepare(db, 'DELETE FROM devices WHERE number = ?');
  const useUser = prepareUseUser(db);
  return (step) => {
    if (findOldDeferred.get(step.instanceId, firstUuidOf(step.firstDay * dayMs))) return;
    for (const device of listOldest.all(step.instanceId, step.firstDay * dayMs, step.rowsLeft)) {
      step.rowsLeft -= deleteDevice.run(device.number);
      // Reports of this device may be as young as today, and they name the user.
      if (device.user_number !== null) useUser(step, device.user_number);
    }
  };
}

/**
 * Users are deleted when nothing refers to them: they have no device and no tombstone, their last day of use is over, and
 * of that time no publish and no message is left.
 */
function prepareDeleteUsers(db: DatabaseSync): (step: Step) => void {
  const findOldMessage = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM messages WHERE instance_id = ? AND day < ? LIMIT 1',
  );
  const findOldPublish = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM publishes WHERE instance_id = ? AND id < ? LIMIT 1',
  );
  const listUnused = prepare<{ number: number; has_device: 0 | 1 }>(
    db,
    `SELECT u.number,
       EXISTS (SELECT 1 FROM devices d INDEXED BY devices_by_user
         WHERE d.instance_id = u.instance_id AND d.user_number = u.number AND d.gone_at IS NULL)
       OR EXISTS (SELECT 1 FROM devices d INDEXED BY tombstones_by_user
         WHERE d.instance_id = u.instance_id AND d.user_number = u.number AND d.gone_at IS NOT NULL)
       OR EXISTS (SELECT 1 FROM devices d INDEXED BY devices_by_alias
         WHERE d.instance_id = u.instance_id AND d.alias_number = u.number) AS has_device
     FROM users u WHERE u.instance_id = ? AND u.last_used_day < ? ORDER BY u.last_used_day LIMIT ?`,
  );
  const deleteUser = prepare(db, 'DELETE FROM users WHERE number = ?');
  const useUser = prepareUseUser(db);
  return (step) => {
    const { instanceId, firstDay } = step;
    if (findOldMessage.get(instanceId, firstDay) || findOldPublish.get(instanceId, firstUuidOf(firstDay * dayMs)))
      return;
    for (const { number, has_device } of listUnused.all(instanceId, firstDay, step.rowsLeft)) {
      step.rowsLeft -= 1;
      // Behind the others, so that users who stay are not looked at again and again.
      if (has_device === 1) useUser(step, number);
      else deleteUser.run(number);
    }
  };
}

/** A user was in use until today; never before the days that are kept, whatever the clock says. */
function prepareUseUser(db: DatabaseSync): (step: Step, userNumber: number) => void {
  const setLastUse = prepare(db, 'UPDATE users SET last_used_day = max(last_used_day, ?) WHERE number = ?');
  return (step, userNumber) => void setLastUse.run(Math.max(dayOf(Date.now()), step.firstDay), userNumber);
}

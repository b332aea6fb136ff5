import type { RetentionCommands } from '../../core/ports/retention-store.ts';
import { dayOf } from '../rows/day.ts';
import { firstUuidOf } from '../rows/first-uuid.ts';
import type { CommandHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { filesOf } from '../rows/filed-attempts.ts';
import type { MessageRow } from '../rows/message-row.ts';
import type { Sql } from './database.ts';
import { dropExpiredDay } from './drop-days.ts';
import { shortenFeed } from './feed-switch.ts';

const dayMs = 86_400_000;

/** What one step has to do: the instance, the first day that stays, and the rows it may still delete. */
interface Step {
  readonly instanceId: string;
  readonly firstDay: number;
  rowsLeft: number;
}

type Stage = (sql: Sql, step: Step) => Promise<void>;

// Rows that another node is deleting or changing are left to the next time.
const listMessages = `
  SELECT m.day, m.id, m.batch_id, m.left_batches, 1 + (SELECT count(*) FROM attempts a
    WHERE a.instance_id = m.instance_id AND a.day = m.day AND a.message_id IN (m.id, m.batch_id)) AS size
  FROM messages m WHERE m.instance_id = $1 AND m.day < $2 AND m.state <> 'waiting'
  ORDER BY m.day, m.id LIMIT $3 FOR UPDATE OF m SKIP LOCKED`;
const deleteAttempts = `
  DELETE FROM attempts WHERE instance_id = $1 AND day = ANY($2::bigint[]) AND message_id = ANY($3::uuid[])`;
const deleteMessage =
  'DELETE FROM messages WHERE instance_id = $1 AND day = ANY($2::bigint[]) AND id = ANY($3::uuid[])';

interface ExpiredMessage extends Pick<MessageRow, 'id' | 'batch_id' | 'left_batches'> {
  readonly day: number;
  readonly size: number;
}

const deleteMessages: Stage = async (sql, step) => {
  const { instanceId, firstDay } = step;
  const rows = await sql.all<ExpiredMessage>(listMessages, [...[instanceId, firstDay, step.rowsLeft]]);
  const taken = takeUntil(rows, step.rowsLeft);
  if (taken.length === 0) return;
  const days = [...new Set(taken.map(({ day }) => day))];
  const ids = taken.map(({ id }) => id);
  const attempted = [...new Set(taken.flatMap((message) => [...filesOf(message).keys()]))];
  step.rowsLeft -= await sql.run(deleteAttempts, [instanceId, days, attempted]);
  step.rowsLeft -= await sql.run(deleteMessage, [instanceId, days, ids]);
};

/** The first of the rows that have so many rows together, or just more. */
function takeUntil<Row extends { readonly size: number }>(rows: readonly Row[], size: number): readonly Row[] {
  let sum = 0;
  const count = rows.findIndex((row) => (sum += row.size) >= size);
  return count === -1 ? rows : rows.slice(0, count + 1);
}

const oldest = (table: string, key: string): string => `
  DELETE FROM ${table} WHERE day < $2 AND (${key}) IN
    (SELECT ${key} FROM ${table} WHERE instance_id = $1 AND day < $2 ORDER BY day LIMIT $3 FOR UPDATE SKIP LOCKED)`;
const oldestEvents = (table: string, key: string, time: string): string => `
  WITH gone AS (${oldest(table, key)} RETURNING feed_position, ${time})
  SELECT count(*) AS count, max(feed_position) AS position, max(${time}) FILTER (WHERE feed_position IS NOT NULL) AS at
  FROM gone`;
const deleteEventsBy =
  (statement: string): Stage =>
  async (sql, step) => {
    const { instanceId, firstDay } = step;
    const gone = await sql.get<{ count: number; position: number | null; at: number | null }>(statement, [
      ...[instanceId, firstDay, step.rowsLeft],
    ]);
    if (!gone) return;
    const { count, position, at } = gone;
    step.rowsLeft -= count;
    if (position !== null && at !== null) await shortenFeed(sql, instanceId, { position, at });
  };
const deleteEvents = deleteEventsBy(oldestEvents('events', 'instance_id, day, id', 'happened_at'));
const deleteReports = deleteEventsBy(
  oldestEvents('reports', 'instance_id, day, publish_id, device_number, kind, action', 'received_at'),
);

const oldestIgnored = oldest('ignored_reports', 'instance_id, day, reason');
const deleteIgnoredReports: Stage = async (sql, step) => {
  step.rowsLeft -= await sql.run(oldestIgnored, [step.instanceId, step.firstDay, step.rowsLeft]);
};

const oldestReplays = `
  DELETE FROM replays WHERE (instance_id, id) IN
    (SELECT instance_id, id FROM replays WHERE instance_id = $1 AND ended_at < $2 ORDER BY id LIMIT $3)`;
const deleteReplays: Stage = async (sql, step) => {
  step.rowsLeft -= await sql.run(oldestReplays, [step.instanceId, step.firstDay * dayMs, step.rowsLeft]);
};

// Messages are rendered from their publish: it stays until none can be sent any more.
const listPublishes = `
  SELECT p.id, 1 + (SELECT count(*) FROM publish_users u WHERE u.instance_id = p.instance_id AND u.publish_id = p.id)
    + (SELECT count(*) FROM publish_outcomes o WHERE o.instance_id = p.instance_id AND o.publish_id = p.id) AS size
  FROM publishes p LEFT JOIN LATERAL (
    SELECT true AS is_needed FROM messages m
    WHERE m.instance_id = p.instance_id AND m.publish_id = p.id AND m.state IN ('waiting', 'held', 'exhausted') LIMIT 1
  ) m ON true
  WHERE p.instance_id = $1 AND p.id < $2 AND p.finished_at IS NOT NULL AND m.is_needed IS NULL
  ORDER BY p.id LIMIT $3`;
const publishDeletions = [
  'DELETE FROM publish_users WHERE instance_id = $1 AND publish_id = ANY($2::uuid[])',
  'DELETE FROM publish_outcomes WHERE instance_id = $1 AND publish_id = ANY($2::uuid[])',
  'DELETE FROM publishes WHERE instance_id = $1 AND id = ANY($2::uuid[])',
];
const deletePublishes: Stage = async (sql, step) => {
  const { instanceId, firstDay } = step;
  const rows = await sql.all<{ id: string; size: number }>(listPublishes, [
    ...[instanceId, firstUuidOf(firstDay * dayMs), step.rowsLeft],
  ]);
  const ids = takeUntil(rows, step.rowsLeft).map(({ id }) => id);
  if (ids.length === 0) return;
  for (const deletion of publishDeletions) step.rowsLeft -= await sql.run(deletion, [instanceId, ids]);
};

// A deferred delivery is read together with its device. One to an old tombstone is of a publish that is older still.
const findOldDeferred = 'SELECT 1 FROM deferred_deliveries WHERE instance_id = $1 AND publish_id < $2 LIMIT 1';
const deleteOldDevices = `
  DELETE FROM devices WHERE number IN (SELECT number FROM devices
    WHERE instance_id = $1 AND gone_at < $2 ORDER BY gone_at LIMIT $3 FOR UPDATE SKIP LOCKED)
  RETURNING user_number`;
const deleteTombstones: Stage = async (sql, step) => {
  const { instanceId, firstDay } = step;
  if (await sql.get(findOldDeferred, [instanceId, firstUuidOf(firstDay * dayMs)])) return;
  const rows = await sql.all<{ user_number: number | null }>(deleteOldDevices, [
    ...[instanceId, firstDay * dayMs, step.rowsLeft],
  ]);
  step.rowsLeft -= rows.length;
  // Reports of these devices may be as young as today, and they name the users.
  await useUsers(
    sql,
    step,
    rows.flatMap((row) => row.user_number ?? []),
  );
};

const findOldMessage = 'SELECT 1 FROM messages WHERE instance_id = $1 AND day < $2 LIMIT 1';
const findOldPublish = 'SELECT 1 FROM publishes WHERE instance_id = $1 AND id < $2 LIMIT 1';
const listUnused = `
  SELECT u.number,
    EXISTS (SELECT FROM devices d
      WHERE d.instance_id = u.instance_id AND d.user_number = u.number AND d.gone_at IS NULL)
    OR EXISTS (SELECT FROM devices d
      WHERE d.instance_id = u.instance_id AND d.user_number = u.number AND d.gone_at IS NOT NULL)
    OR EXISTS (SELECT FROM devices d WHERE d.instance_id = u.instance_id AND d.alias_number = u.number) AS has_device
  FROM users u WHERE u.instance_id = $1 AND u.last_used_day < $2 ORDER BY u.last_used_day LIMIT $3`;
// Whoever has begun to use the name meanwhile has moved the day.
const deleteUnused = 'DELETE FROM users WHERE number = ANY($1::bigint[]) AND last_used_day < $2';

/**
 * Users are deleted when nothing refers to them: they have no device and no tombstone, their last day of use is over, and
 * of that time no publish and no message is left.
 */
const deleteUsers: Stage = async (sql, step) => {
  const { instanceId, firstDay } = step;
  if (await sql.get(findOldMessage, [instanceId, firstDay])) return;
  if (await sql.get(findOldPublish, [instanceId, firstUuidOf(firstDay * dayMs)])) return;
  const rows = await sql.all<{ number: number; has_device: boolean }>(listUnused, [
    ...[instanceId, firstDay, step.rowsLeft],
  ]);
  step.rowsLeft -= rows.length;
  const numbersOf = (hasDevice: boolean) =>
    rows.filter((row) => row.has_device === hasDevice).map(({ number }) => number);
  // Behind the others, so that users who stay are not looked at again and again.
  await useUsers(sql, step, numbersOf(true));
  await sql.run(deleteUnused, [numbersOf(false), firstDay]);
};

// In use until today; never before the days that are kept, whatever the clock says.
const setLastUse = `
  UPDATE users SET last_used_day = greatest(last_used_day, $2, pharos_now() / ${dayMs}) WHERE number = ANY($1::bigint[])`;
const useUsers = async (sql: Sql, { firstDay }: Step, numbers: readonly number[]): Promise<void> => {
  if (numbers.length > 0) await sql.run(setLastUse, [[...new Set(numbers)], firstDay]);
};

const forgetSecretKey = `
  UPDATE instances SET previous_secret_key = NULL, previous_secret_key_ends_at = NULL
  WHERE id = $1 AND previous_secret_key_ends_at <= pharos_now()`;

// What refers to others goes before them.
const stages = [
  ...[deleteMessages, deleteEvents, deleteReports, deleteIgnoredReports, deleteReplays],
  ...[deletePublishes, deleteTombstones, deleteUsers],
];

export const retentionCommands: CommandHandlers<RetentionCommands> = {
  dropExpiredDays: each(dropExpiredDay),
  deleteExpired: each(async (sql, { instanceId, before, maxRows }) => {
    await sql.run(forgetSecretKey, [instanceId]);
    const step: Step = { instanceId, firstDay: dayOf(before), rowsLeft: maxRows };
    for (const stage of stages) {
      if (step.rowsLeft > 0) await stage(sql, step);
    }
    return { deleted: maxRows - step.rowsLeft, more: step.rowsLeft <= 0 };
  }),
};

import { uuidV7 } from '../../protocol/uuid-v7.ts';
import type {
  IgnoredReason,
  IgnoredReports,
  RecordReport,
  ReportCommands,
  ReportQueries,
} from '../../core/ports/report-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { eventTypeOfReport } from '../rows/event-type-of-report.ts';
import { maxActions } from '../rows/report-counts.ts';
import { lockTexts } from './advisory-locks.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { batch } from './handlers.ts';
import { erasureLock } from './instance-locks.ts';
import { addToSubscribers } from './outbox.ts';
import type { Inserted } from './report-counts.ts';
import { countDevices } from './report-counts.ts';
import type { Receiver } from './report-receivers.ts';
import { findReceivers } from './report-receivers.ts';

type Answer = Awaited<ReturnType<ReportCommands['recordReports']>>[number] extends infer Result
  ? Extract<Result, { readonly ok: true }> extends { readonly value: infer Value }
    ? Value
    : never
  : never;

/** A report from a known device about a known publish. */
interface Entry extends Inserted {
  readonly index: number;
  /** Null: it is no event. */
  readonly eventId: string | null;
}

const deviceKeyOf = ({ report, receiver }: Inserted): string =>
  `${report.instanceId} ${report.publishId} ${receiver.deviceNumber}`;
const reportKeyOf = (entry: Inserted): string =>
  `${deviceKeyOf(entry)} ${entry.report.kind} ${entry.report.action ?? ''}`;

function toEntry(report: RecordReport, receiver: Receiver, index: number, now: number): Entry {
  const isUserEvent = report.kind === 'delivery' || report.kind === 'open';
  const isEvent = !isUserEvent || (report.notifiesUserWebhooks && receiver.userName !== null);
  return { report, receiver, index, eventId: isEvent ? uuidV7(now) : null };
}

const listActions = `
  SELECT r.instance_id, r.publish_id, r.device_number, r.action
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) AS c (instance_id, day, publish_id, device_number)
    JOIN reports r ON r.instance_id = c.instance_id AND r.day = c.day AND r.publish_id = c.publish_id
      AND r.device_number = c.device_number AND r.kind = 'clicked'`;

/** Those that are no repeats within the transaction, and no click too many. */
async function chooseNew(sql: Sql, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const firsts = [...Map.groupBy(entries, reportKeyOf).values()].flatMap(([first]) => first ?? []);
  const clicks = firsts.filter(({ report }) => report.kind === 'clicked');
  if (clicks.length === 0) return firsts;
  const clicksOf = Map.groupBy(clicks, deviceKeyOf);
  const devices = [...clicksOf.values()].flatMap(([first]) => first ?? []);
  const actions = await readActions(sql, devices);
  // The limit is near only for who has clicked before, or comes with several: the others need not wait for anybody.
  const several = devices.filter((entry) => {
    const key = deviceKeyOf(entry);
    return (actions.get(key)?.size ?? 0) + (clicksOf.get(key)?.length ?? 0) > 1;
  });
  if (several.length > 0) {
    await lockTexts(sql, 'clicks', several.map(deviceKeyOf));
    for (const [key, known] of await readActions(sql, several)) actions.set(key, known);
  }
  return firsts.filter((entry) => {
    const known = entry.report.kind === 'clicked' && actions.get(deviceKeyOf(entry));
    if (!known) return true;
    const isNew = known.size < maxActions;
    if (isNew) known.add(entry.report.action ?? '');
    return isNew;
  });
}

/** What these devices have clicked in these publishes, by `deviceKeyOf`. */
async function readActions(sql: Sql, devices: readonly Entry[]): Promise<Map<string, Set<string>>> {
  const rows = await sql.all<{ instance_id: string; publish_id: string; device_number: number; action: string }>(
    listActions,
    [
      devices.map(({ report }) => report.instanceId),
      devices.map(({ report }) => uuidV7Day(report.publishId)),
      devices.map(({ report }) => report.publishId),
      devices.map(({ receiver }) => receiver.deviceNumber),
    ],
  );
  const actions = new Map(devices.map((entry) => [deviceKeyOf(entry), new Set<string>()]));
  for (const row of rows) {
    actions.get(`${row.instance_id} ${row.publish_id} ${row.device_number}`)?.add(row.action);
  }
  return actions;
}

const insertReports = `
  INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, user_number, happened_at,
    app_in_background, has_displayable_content, has_data, event_id, received_at, feed_position)
  SELECT r.*, pharos_now(),
    CASE WHEN r.event_id IS NOT NULL
        AND EXISTS (SELECT FROM feeds f WHERE f.instance_id = r.instance_id AND f.is_on)
      THEN (SELECT pharos_feed_position()) END
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
      $9::boolean[], $10::boolean[], $11::boolean[], $12::uuid[])
    AS r (instance_id, day, publish_id, device_number, kind, action, user_number, happened_at, app_in_background,
      has_displayable_content, has_data, event_id)
  ORDER BY instance_id, day, publish_id, device_number, kind, action
  ON CONFLICT (instance_id, day, publish_id, device_number, kind, action) DO NOTHING
  RETURNING instance_id, publish_id, device_number, kind, action, received_at`;

/** Answers which of them were not there yet, and when they came. */
async function insert(sql: Sql, entries: readonly Entry[]): Promise<readonly (Entry & { readonly at: number })[]> {
  if (entries.length === 0) return [];
  const rows = await sql.all<{
    instance_id: string;
    publish_id: string;
    device_number: number;
    kind: string;
    action: string;
    received_at: number;
  }>(insertReports, [
    entries.map(({ report }) => report.instanceId),
    entries.map(({ report }) => uuidV7Day(report.publishId)),
    entries.map(({ report }) => report.publishId),
    entries.map(({ receiver }) => receiver.deviceNumber),
    entries.map(({ report }) => report.kind),
    entries.map(({ report }) => report.action ?? ''),
    entries.map(({ receiver }) => receiver.userNumber),
    entries.map(({ report }) => report.happenedAt),
    entries.map(({ report }) => report.appInBackground),
    entries.map(({ report }) => report.hasDisplayableContent),
    entries.map(({ report }) => report.hasData),
    entries.map(({ eventId }) => eventId),
  ]);
  const at = new Map(
    rows.map((row) => [
      `${row.instance_id} ${row.publish_id} ${row.device_number} ${row.kind} ${row.action}`,
      row.received_at,
    ]),
  );
  return entries.flatMap((entry) => {
    const receivedAt = at.get(reportKeyOf(entry));
    return receivedAt === undefined ? [] : { ...entry, at: receivedAt };
  });
}

const countIgnored = `
  INSERT INTO ignored_reports (instance_id, day, reason, count)
  SELECT instance_id, pharos_now() / 86400000, reason, count(*)
  FROM unnest($1::uuid[], $2::text[]) AS i (instance_id, reason)
  GROUP BY instance_id, reason ORDER BY instance_id, reason
  ON CONFLICT (instance_id, day, reason) DO UPDATE SET count = ignored_reports.count + excluded.count`;

async function ignore(
  sql: Sql,
  ignored: readonly { readonly instanceId: string; readonly reason: IgnoredReason }[],
): Promise<void> {
  if (ignored.length === 0) return;
  await sql.run(countIgnored, [ignored.map(({ instanceId }) => instanceId), ignored.map(({ reason }) => reason)]);
}

async function recordAll(sql: Sql, reports: readonly RecordReport[]): Promise<readonly Answer[]> {
  await erasureLock.share(
    sql,
    reports.map(({ instanceId }) => instanceId),
  );
  const receivers = await findReceivers(sql, reports);
  const answers = receivers.map((receiver): Answer => ({ kind: typeof receiver === 'string' ? receiver : 'repeat' }));
  const entries = reports.flatMap((report, index) => {
    const receiver = receivers[index];
    return typeof receiver === 'object' ? toEntry(report, receiver, index, sql.clock()) : [];
  });
  const inserted = await insert(sql, await chooseNew(sql, entries));
  await countDevices(sql, inserted);
  const events = inserted.flatMap(({ report, receiver, eventId: id, at }) => {
    if (id === null) return [];
    const { instanceId, publishId, kind, action = '' } = report;
    const { userNumber, deviceNumber } = receiver;
    const clicked = kind === 'clicked' ? action : null;
    return {
      ...{ instanceId, publishId, type: eventTypeOfReport[kind], id, at },
      ...{ userNumber, deviceNumber, action: clicked, details: null },
    };
  });
  const messages = await addToSubscribers(sql, events);
  const messagesOf = new Map(events.map(({ id }, index) => [id, messages[index] ?? 0]));
  for (const { index, eventId } of inserted) {
    answers[index] = { kind: 'recorded', messages: eventId === null ? 0 : (messagesOf.get(eventId) ?? 0) };
  }
  // Everybody's counters come last, so that they are locked for a moment only.
  await ignore(
    sql,
    reports.flatMap(({ instanceId }, index) => {
      const receiver = receivers[index];
      return typeof receiver === 'string' ? { instanceId, reason: receiver } : [];
    }),
  );
  return answers;
}

export const reportCommands: CommandHandlers<ReportCommands> = {
  recordReports: batch(recordAll),
  countIgnoredReports: batch(async (sql, items) => {
    await ignore(sql, items);
    return items.map(() => 'counted');
  }),
};

const listIgnored = `
  SELECT day, reason, count FROM ignored_reports WHERE instance_id = $1 AND day > pharos_now() / 86400000 - $2
  ORDER BY day DESC, reason`;

export const reportQueries: QueryHandlers<ReportQueries> = {
  listIgnoredReports: (sql, instanceId, days) => sql.all<IgnoredReports>(listIgnored, [instanceId, days]),
};

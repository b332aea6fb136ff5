import type { DatabaseSync } from 'node:sqlite';
import type {
  IgnoredReason,
  RecordReport,
  ReportCommands,
  ReportKind,
  ReportQueries,
} from '../../core/ports/report-store.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import type { Platform } from '../../protocol/ids.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { uuidV7 } from '../../protocol/uuid-v7.ts';
import { dayOf } from '../rows/day.ts';
import { eventTypeOfReport } from '../rows/event-type-of-report.ts';
import type { CountedReport } from '../rows/report-counts.ts';
import { countsOf, maxActions } from '../rows/report-counts.ts';
import { hasIndexedId, indexedId } from './device-key.ts';
import { prepareTakeFeedPosition } from './feed.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { pushServiceNumber, pushServices } from './push-service.ts';
import type { ReportCounters } from './report-counters.ts';
import { prepare } from './statement.ts';

const toInteger = (flag: boolean | null) => (flag === null ? null : Number(flag));

interface HeldDevice {
  number: number;
  user_number: number | null;
  user_since: number | null;
}

interface ReportingDevice extends HeldDevice {
  created_at: number;
  push_service: number;
}

interface ReportedPublish {
  id: string;
  target_kind: PublishTarget['kind'];
  accepted_at: number;
  finished_at: number | null;
}

/** A report of the same device about the same publish. */
interface Sibling {
  kind: ReportKind;
  app_in_background: number | null;
  has_displayable_content: number | null;
}

const toCountedReport = (platform: Platform, sibling: Sibling): CountedReport => ({
  platform,
  kind: sibling.kind,
  appInBackground: sibling.app_in_background === 1,
  hasDisplayableContent: sibling.has_displayable_content === 1,
});

export function prepareReportCommands(
  db: DatabaseSync,
  outbox: Outbox,
  counters: Pick<ReportCounters, 'add'>,
): CommandHandlers<ReportCommands> {
  const findPublish = prepare<ReportedPublish>(
    db,
    'SELECT id, target_kind, max(accepted_at, coalesce(send_after, 0)) AS accepted_at, finished_at FROM publishes WHERE instance_id = ? AND id = ?',
  );
  // Everything is in the index, and the row is not read.
  const findDevice = prepare<ReportingDevice>(
    db,
    `SELECT d.number, d.created_at, d.user_number, d.created_at + (d.user_since - d.created_at) AS user_since,
       ${pushServiceNumber} AS push_service
     FROM devices d INDEXED BY devices_by_id WHERE ${hasIndexedId}`,
  );
  const findAddress = prepare<{ address: string; address_hash: number }>(
    db,
    'SELECT address, address_hash FROM devices WHERE number = ?',
  );
  const findGoneDevice = prepare<HeldDevice>(
    db,
    `SELECT number, user_number, user_since FROM devices
     WHERE address_hash = ? AND number < ? AND gone_at IS NOT NULL AND instance_id = ? AND platform = ? AND address = ?
       AND created_at <= ?6 AND gone_at >= ?6
     ORDER BY number DESC LIMIT 1`,
  );
  const findUser = prepare<{ number: number; name: string | null }>(
    db,
    'SELECT number, name FROM users WHERE number = ?',
  );
  const wasPublishedTo = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM publish_users WHERE instance_id = ? AND publish_id = ? AND user_number = ?',
  );
  const countIgnored = prepare(
    db,
    `INSERT INTO ignored_reports (instance_id, day, reason, count) VALUES (?, ?, ?, 1)
     ON CONFLICT (instance_id, day, reason) DO UPDATE SET count = count + 1`,
  );
  const insertReport = prepare(
    db,
    `INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, user_number, happened_at,
       received_at, app_in_background, has_displayable_content, has_data, event_id, feed_position)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, day, publish_id, device_number, kind, action) DO NOTHING`,
  );
  const listSiblings = prepare<Sibling>(
    db,
    `SELECT kind, app_in_background, has_displayable_content FROM reports
     WHERE instance_id = ? AND day = ? AND publish_id = ? AND device_number = ?`,
  );
  const takeFeedPosition = prepareTakeFeedPosition(db);

  const ignore = <Reason extends IgnoredReason>(instanceId: string, reason: Reason) => {
    countIgnored.run(instanceId, dayOf(Date.now()), reason);
    return { kind: reason } as const;
  };

  /**
   * The registration that got the push: this one, or the one that was at its address when the publish was accepted.
   * `wasThere` is false when there was none: the report is taken, and is nobody's.
   */
  const findReceiver = ({ instanceId, platform, deviceId }: RecordReport, publish: ReportedPublish) => {
    const device = findDevice.get(indexedId({ instanceId, deviceId }));
    if (!device || pushServices[device.push_service]?.platform !== platform) return null;
    if (device.created_at <= publish.accepted_at) return { ...device, wasThere: true };
    const at = findAddress.get(device.number);
    const gone =
      at && findGoneDevice.get(at.address_hash, device.number, instanceId, platform, at.address, publish.accepted_at);
    return { ...device, ...gone, wasThere: gone !== undefined };
  };

  const familyOf = ({ number, push_service: service }: ReportingDevice) =>
    pushServices[service]?.family ?? browserFamilyOf(findAddress.get(number)?.address ?? '');

  /** Who had the receiver when the publish was delivered, as far as the rows tell (docs/decisions/0007). */
  const findHolder = (instanceId: string, publish: ReportedPublish, receiver: HeldDevice) => {
    const { user_number: number, user_since: since } = receiver;
    const user = number === null ? undefined : findUser.get(number);
    if (!user) return null;
    const had =
      publish.target_kind === 'users'
        ? wasPublishedTo.get(instanceId, publish.id, user.number) !== undefined
        : (since ?? 0) <= (publish.finished_at ?? Infinity);
    return had ? user : null;
  };

  return {
    countIgnoredReports: ({ instanceId, reason }) => {
      ignore(instanceId, reason);
      return 'counted';
    },
    recordReports: (report) => {
      const { instanceId, publishId, platform, kind, action = '' } = report;
      const publish = findPublish.get(instanceId, publishId);
      if (!publish) return ignore(instanceId, 'unknown-publish');
      const device = findReceiver(report, publish);
      if (!device) return ignore(instanceId, 'unknown-device');
      const user = device.wasThere ? findHolder(instanceId, publish, device) : null;
      const now = Date.now();
      const key = [instanceId, uuidV7Day(publishId), publishId, device.number] as const;
      const siblings = listSiblings.all(...key);
      if (siblings.filter((sibling) => sibling.kind === kind).length >= maxActions) return { kind: 'repeat' };
      const isUserEvent = kind === 'delivery' || kind === 'open';
      const isEvent = !isUserEvent || (report.notifiesUserWebhooks && typeof user?.name === 'string');
      const eventId = isEvent ? uuidV7() : null;
      const inserted = insertReport.run(
        ...[...key, kind, action, user?.number ?? null],
        ...[report.happenedAt, now],
        ...[toInteger(report.appInBackground), toInteger(report.hasDisplayableContent), toInteger(report.hasData)],
        ...[eventId, eventId && takeFeedPosition(instanceId)],
      );
      if (inserted === 0) return { kind: 'repeat' };
      const counted = siblings.flatMap((sibling) => countsOf(toCountedReport(platform, sibling)));
      const added = countsOf(report).filter((count) => !counted.includes(count));
      const family = added.length === 0 ? '' : familyOf(device);
      for (const outcome of added) counters.add({ instanceId, publishId, platform, family, outcome });
      if (eventId === null) return { kind: 'recorded', messages: 0 };
      const messages = outbox.addToSubscribers({
        instanceId,
        publishId,
        type: eventTypeOfReport[kind],
        id: eventId,
        at: now,
        userNumber: user?.number ?? null,
        deviceNumber: device.number,
        action: kind === 'clicked' ? action : null,
        details: null,
      });
      return { kind: 'recorded', messages };
    },
  };
}

export function prepareReportQueries(db: DatabaseSync): QueryHandlers<ReportQueries> {
  const listIgnored = prepare<{ day: number; reason: IgnoredReason; count: number }>(
    db,
    `SELECT day, reason, count FROM ignored_reports WHERE instance_id = ? AND day > ?
     ORDER BY day DESC, reason`,
  );
  return {
    listIgnoredReports: (instanceId, days) =>
      listIgnored.all(instanceId, dayOf(Date.now()) - days).map((row) => ({ ...row })),
  };
}

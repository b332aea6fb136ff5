import type { DatabaseSync } from 'node:sqlite';
import { v7 } from 'uuid';
import type { ReportCommands, ReportKind } from '../../core/ports/report-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepareOutbox } from './outbox.ts';
import { prepare } from './statement.ts';

const eventTypeOf: Readonly<Record<ReportKind, EventType>> = {
  delivery: 'v1.UserNotificationAcknowledgement',
  open: 'v1.UserNotificationOpen',
};

const toInteger = (flag: boolean | null) => (flag === null ? null : Number(flag));

export function prepareReportCommands(db: DatabaseSync): CommandHandlers<ReportCommands> {
  const findPublish = prepare<{ found: 1 }>(db, 'SELECT 1 AS found FROM publishes WHERE instance_id = ? AND id = ?');
  const findDevice = prepare<{ number: number; user_number: number | null; user: string | null }>(
    db,
    `SELECT d.number, d.user_number, u.name AS user FROM devices d LEFT JOIN users u ON u.number = d.user_number
     WHERE d.instance_id = ? AND d.platform = ? AND d.id = ?`,
  );
  const insertReport = prepare(
    db,
    `INSERT INTO reports (instance_id, day, publish_id, device_number, kind, action, user_number, happened_at,
       received_at, app_in_background, has_displayable_content, has_data, event_id)
     VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, day, publish_id, device_number, kind, action) DO NOTHING`,
  );
  const outbox = prepareOutbox(db);

  return {
    recordReports: (report) => {
      const { instanceId, publishId, kind } = report;
      if (!findPublish.get(instanceId, publishId)) return { kind: 'unknown-publish' };
      const device = findDevice.get(instanceId, report.platform, report.deviceId);
      if (!device) return { kind: 'unknown-device' };
      const now = Date.now();
      const eventId = report.notifiesUserWebhooks && device.user !== null ? v7() : null;
      const inserted = insertReport.run(
        ...[instanceId, uuidV7Day(publishId), publishId, device.number, kind, device.user_number],
        ...[report.happenedAt, now],
        ...[toInteger(report.appInBackground), toInteger(report.hasDisplayableContent), toInteger(report.hasData)],
        eventId,
      );
      if (inserted === 0) return { kind: 'repeat' };
      if (eventId === null) return { kind: 'recorded', messages: 0 };
      const messages = outbox.addToSubscribers({
        instanceId,
        publishId,
        type: eventTypeOf[kind],
        id: eventId,
        at: now,
        userNumber: device.user_number,
        deviceNumber: device.number,
      });
      return { kind: 'recorded', messages };
    },
  };
}

import type { FeedEvent } from '../../core/ports/feed-store.ts';
import type { ReportKind } from '../../core/ports/report-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { Platform } from '../../protocol/ids.ts';
import { eventTypeOfReport } from './event-type-of-report.ts';
import { toDetails, toDevice, toUser } from './message-row.ts';

/** An event of a feed. */
export interface FeedRow {
  position: number;
  event_id: string;
  event_at: number;
  publish_id: string | null;
}

/** One that is a report. */
export interface FeedReportRow extends FeedRow {
  kind: ReportKind;
  action: string;
  user_number: number | null;
  user: string | null;
  platform: Platform | null;
  device_id: string | null;
}

/** One that is a row of its own. */
export interface FeedEventRow extends FeedRow {
  type: EventType;
  details: string | null;
}

/** Whose feed it is, and what goes on after the event. */
type FeedPoint = Pick<FeedEvent, 'instanceId' | 'cursor'>;

export const fromReport = (row: FeedReportRow, point: FeedPoint): FeedEvent => ({
  ...toReference(row, point),
  eventType: eventTypeOfReport[row.kind],
  user: toUser(row.user_number, row.user),
  device: toDevice(row.platform, row.device_id),
  action: row.kind === 'clicked' ? row.action : null,
  details: null,
});

export const fromEvent = (row: FeedEventRow, point: FeedPoint): FeedEvent => ({
  ...toReference(row, point),
  ...{ eventType: row.type, user: null, device: null, action: null },
  details: toDetails(row.details),
});

const toReference = (row: FeedRow, { instanceId, cursor }: FeedPoint) => ({
  instanceId,
  eventId: row.event_id,
  eventAt: row.event_at,
  publishId: row.publish_id,
  cursor,
});

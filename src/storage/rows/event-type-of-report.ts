import type { ReportKind } from '../../core/ports/report-store.ts';
import type { EventType } from '../../protocol/event-types.ts';

export const eventTypeOfReport: Readonly<Record<ReportKind, EventType>> = {
  delivery: 'v1.UserNotificationAcknowledgement',
  open: 'v1.UserNotificationOpen',
  displayed: 'v1.NotificationDisplayed',
  clicked: 'v1.NotificationClicked',
  dismissed: 'v1.NotificationDismissed',
};

import type { ReportKind } from '../../core/ports/report-store.ts';

/** What counts a device as one that confirmed the publish, or clicked: the first such report of a device does. */
export const countedAs: Partial<Record<ReportKind, 'confirmed' | 'clicked'>> = {
  delivery: 'confirmed',
  displayed: 'confirmed',
  open: 'clicked',
  clicked: 'clicked',
};

/** More buttons than a notification has; what else a device says it clicked is made up. */
export const maxActions = 8;

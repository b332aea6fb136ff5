import type { RecordReport } from '../../core/ports/report-store.ts';

/** What reports count a device as, each once a publish: it arrived or was shown, could be opened there, was opened. */
export type ReportCount = 'confirmed' | 'openable' | 'clicked';

/** Of a report, what says what it counts as. */
export type CountedReport = Pick<RecordReport, 'platform' | 'kind' | 'appInBackground' | 'hasDisplayableContent'>;

/** What a report counts its device as, unless another report has (docs/decisions/0030). */
export function countsOf(report: CountedReport): readonly ReportCount[] {
  switch (report.kind) {
    case 'delivery':
      return isOpenable(report) ? ['confirmed', 'openable'] : ['confirmed'];
    case 'displayed':
      return ['confirmed', 'openable'];
    case 'open':
    case 'clicked':
      return ['clicked'];
    case 'dismissed':
      return [];
  }
}

/** Apps show nothing by themselves while somebody uses them. */
const isOpenable = ({ platform, appInBackground, hasDisplayableContent }: CountedReport): boolean =>
  hasDisplayableContent === true && (platform === 'web' || appInBackground === true);

/** More buttons than a notification has; what else a device says it clicked is made up. */
export const maxActions = 8;

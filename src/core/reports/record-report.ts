import { formatDeviceId, formatPublishId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { IgnoredReason, RecordReport, ReportCommands } from '../ports/report-store.ts';

export interface RecordReportDeps {
  readonly store: Pick<ReportCommands, 'recordReports'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reportReceived'>;
  /** Called after the commit: there is a message to send. */
  readonly onMessages: () => void;
  /** Called after the commit: the instance may have an event more. */
  readonly onEvent: (instanceId: string) => void;
}

export interface IgnoreReportDeps {
  readonly store: Pick<ReportCommands, 'countIgnoredReports'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reportReceived'>;
}

/** What a device told, and whether it named its user. */
export interface DeviceReport extends Omit<RecordReport, 'notifiesUserWebhooks'> {
  readonly namesUser: boolean;
}

/**
 * Makes a report durable with what follows from it. Repeats and reports of unknown devices or publishes change nothing
 * and are no errors: devices cannot mend them. Rejects with `StoreUnavailable`.
 */
export async function recordReport(deps: RecordReportDeps, { namesUser, ...report }: DeviceReport): Promise<void> {
  const result = await runOne(deps.store.recordReports, {
    ...report,
    // Older SDKs of phones do not know their user; browsers are asked no such thing, whatever their version.
    notifiesUserWebhooks: report.platform === 'web' || namesUser,
  });
  deps.metrics.reportReceived(report.kind, result.kind);
  const isKnown = result.kind === 'recorded' || result.kind === 'repeat';
  deps.log.info(isKnown ? 'report.recorded' : 'report.ignored', {
    instanceId: report.instanceId,
    publishId: formatPublishId(report.publishId),
    deviceId: formatDeviceId(report.platform, report.deviceId),
    kind: report.kind,
    result: result.kind,
  });
  if (result.kind !== 'recorded') return;
  deps.onEvent(report.instanceId);
  if (result.messages > 0) deps.onMessages();
}

/** Counts a report whose ids cannot be any device's or publish's. Rejects with `StoreUnavailable`. */
export async function ignoreReport(
  { store, log, metrics }: IgnoreReportDeps,
  instanceId: string,
  reason: IgnoredReason,
): Promise<void> {
  await runOne(store.countIgnoredReports, { instanceId, reason });
  metrics.reportReceived('unknown', reason);
  log.info('report.ignored', { instanceId, result: reason });
}

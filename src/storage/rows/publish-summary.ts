import type {
  FinalOutcome,
  OutcomeCounts,
  PublishKey,
  PublishSummary,
  PublishTarget,
  ReportCounts,
} from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { userStates } from './user-states.ts';

export interface SummaryRow {
  target_kind: PublishTarget['kind'];
  platforms: string;
  body: Uint8Array;
  finished_at: number | null;
}

export interface CountRow {
  platform: Platform;
  outcome: FinalOutcome | keyof ReportCounts;
  count: number;
}

/** In the order of the request. */
export interface UserRow {
  name: string;
  state: number;
}

const noOutcomes: OutcomeCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, unauthorized: 0 };
const noReports: ReportCounts = { confirmed: 0, clicked: 0 };

export function toSummary(
  { instanceId, publishId }: PublishKey,
  publish: SummaryRow,
  countRows: readonly CountRow[],
  users: readonly UserRow[],
): PublishSummary {
  const counts: Partial<Record<Platform, OutcomeCounts>> = {};
  const reports: Partial<Record<Platform, ReportCounts>> = {};
  for (const { platform, outcome, count } of countRows) {
    if (outcome === 'confirmed' || outcome === 'clicked') {
      reports[platform] = { ...(reports[platform] ?? noReports), [outcome]: count };
    } else counts[platform] = { ...(counts[platform] ?? noOutcomes), [outcome]: count };
  }
  const inState = (state: number) => users.filter((user) => user.state === state).map((user) => user.name);
  return {
    instanceId,
    publishId,
    targetKind: publish.target_kind,
    platforms: JSON.parse(publish.platforms) as Platform[],
    finishedAt: publish.finished_at,
    counts,
    reports,
    users: {
      all: users.map((user) => user.name),
      delivered: inState(userStates.delivered),
      noDevices: inState(userStates.noDevices),
      failed: inState(userStates.failed),
    },
    body: publish.body,
  };
}

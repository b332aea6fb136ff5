import type {
  Insights,
  OutcomeCounts,
  PublishKey,
  PublishSummary,
  PublishTarget,
} from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { CountedOutcome } from './counted-outcome.ts';
import { userStates } from './user-states.ts';

export interface SummaryRow {
  target_kind: PublishTarget['kind'];
  platforms: string;
  body: Uint8Array;
  finished_at: number | null;
}

export interface CountRow {
  platform: Platform;
  outcome: CountedOutcome;
  count: number;
}

/** In the order of the request. */
export interface UserRow {
  name: string;
  state: number;
}

const noOutcomes: OutcomeCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, unauthorized: 0 };
const noInsights: Insights = { triggered: 0, acknowledged: 0, openable: 0, opened: 0 };

const insightOf: Partial<Record<CountedOutcome, keyof Insights>> = {
  triggered: 'triggered',
  confirmed: 'acknowledged',
  openable: 'openable',
  clicked: 'opened',
};

export function toSummary(
  { instanceId, publishId }: PublishKey,
  publish: SummaryRow,
  countRows: readonly CountRow[],
  users: readonly UserRow[],
): PublishSummary {
  const counts: Partial<Record<Platform, OutcomeCounts>> = {};
  const insights: Partial<Record<Platform, Insights>> = {};
  for (const { platform, outcome, count } of countRows) {
    const insight = insightOf[outcome];
    if (insight) insights[platform] = { ...(insights[platform] ?? noInsights), [insight]: count };
    else counts[platform] = { ...(counts[platform] ?? noOutcomes), [outcome]: count };
  }
  const inState = (state: number) => users.filter((user) => user.state === state).map((user) => user.name);
  return {
    instanceId,
    publishId,
    targetKind: publish.target_kind,
    platforms: JSON.parse(publish.platforms) as Platform[],
    finishedAt: publish.finished_at,
    counts,
    insights,
    users: {
      all: users.map((user) => user.name),
      delivered: inState(userStates.delivered),
      noDevices: inState(userStates.noDevices),
      failed: inState(userStates.failed),
    },
    body: publish.body,
  };
}

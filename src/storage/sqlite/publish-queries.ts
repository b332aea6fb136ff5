import type { DatabaseSync } from 'node:sqlite';
import type { FinalOutcome, OutcomeCounts, PublishQueries, PublishTarget } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { prepareReadAudiencePage } from './audience.ts';
import type { QueryHandlers } from './handlers.ts';
import { preparePublishViewQueries } from './publish-views.ts';
import { userStates } from './settle.ts';
import { prepare } from './statement.ts';

const noOutcomes: OutcomeCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, unauthorized: 0 };

export function preparePublishQueries(db: DatabaseSync): QueryHandlers<PublishQueries> {
  const findPublish = prepare<{
    target_kind: PublishTarget['kind'];
    platforms: string;
    body: Uint8Array;
    finished_at: number | null;
  }>(db, 'SELECT target_kind, platforms, body, finished_at FROM publishes WHERE instance_id = ? AND id = ?');
  const listCounts = prepare<{ platform: Platform; outcome: FinalOutcome; count: number }>(
    db,
    `SELECT platform, outcome, sum(count) AS count FROM publish_outcomes
     WHERE instance_id = ? AND publish_id = ? AND outcome IN ('accepted', 'gone', 'rejected', 'failed', 'unauthorized')
     GROUP BY platform, outcome`,
  );
  const listUsers = prepare<{ name: string; state: number }>(
    db,
    `SELECT u.name, pu.state FROM publish_users pu CROSS JOIN users u ON u.number = pu.user_number
     WHERE pu.instance_id = ? AND pu.publish_id = ? AND u.name IS NOT NULL ORDER BY pu.position`,
  );

  return {
    readAudiencePage: prepareReadAudiencePage(db),
    ...preparePublishViewQueries(db),
    summarizePublish: ({ instanceId, publishId }) => {
      const publish = findPublish.get(instanceId, publishId);
      if (!publish) return null;
      const counts: Partial<Record<Platform, OutcomeCounts>> = {};
      for (const { platform, outcome, count } of listCounts.all(instanceId, publishId)) {
        counts[platform] = { ...(counts[platform] ?? noOutcomes), [outcome]: count };
      }
      const users = listUsers.all(instanceId, publishId);
      const inState = (state: number) => users.filter((user) => user.state === state).map((user) => user.name);
      return {
        instanceId,
        publishId,
        targetKind: publish.target_kind,
        platforms: JSON.parse(publish.platforms) as Platform[],
        finishedAt: publish.finished_at,
        counts,
        users: {
          all: users.map((user) => user.name),
          delivered: inState(userStates.delivered),
          noDevices: inState(userStates.noDevices),
          failed: inState(userStates.failed),
        },
        body: publish.body,
      };
    },
  };
}

import type { DatabaseSync } from 'node:sqlite';
import type { PublishQueries } from '../../core/ports/publish-store.ts';
import type { CountRow, SummaryRow, UserRow } from '../rows/publish-summary.ts';
import { toSummary } from '../rows/publish-summary.ts';
import { prepareReadAudiencePage } from './audience.ts';
import type { QueryHandlers } from './handlers.ts';
import { preparePublishViewQueries } from './publish-views.ts';
import { prepare } from './statement.ts';

export function preparePublishQueries(db: DatabaseSync): QueryHandlers<PublishQueries> {
  const findPublish = prepare<SummaryRow>(
    db,
    'SELECT target_kind, platforms, body, finished_at FROM publishes WHERE instance_id = ? AND id = ?',
  );
  const listCounts = prepare<CountRow>(
    db,
    `SELECT platform, outcome, sum(count) AS count FROM publish_outcomes
     WHERE instance_id = ? AND publish_id = ? GROUP BY platform, outcome`,
  );
  const listUsers = prepare<UserRow>(
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
      const counts = listCounts.all(instanceId, publishId);
      return toSummary({ instanceId, publishId }, publish, counts, listUsers.all(instanceId, publishId));
    },
  };
}

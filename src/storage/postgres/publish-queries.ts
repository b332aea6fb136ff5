import type { PublishQueries } from '../../core/ports/publish-store.ts';
import type { CountRow, SummaryRow, UserRow } from '../rows/publish-summary.ts';
import { toSummary } from '../rows/publish-summary.ts';
import { readAudiencePage } from './audience.ts';
import type { QueryHandlers } from './handlers.ts';
import { publishViewQueries } from './publish-views.ts';

const findPublish =
  'SELECT target_kind, platforms, body, finished_at FROM publishes WHERE instance_id = $1 AND id = $2';
const listCounts = `
  SELECT platform, outcome, sum(count)::bigint AS count FROM publish_outcomes
  WHERE instance_id = $1 AND publish_id = $2 GROUP BY platform, outcome`;
const listUsers = `
  SELECT u.name, pu.state FROM publish_users pu JOIN users u ON u.number = pu.user_number
  WHERE pu.instance_id = $1 AND pu.publish_id = $2 AND u.name IS NOT NULL ORDER BY pu.position`;

export const publishQueries: QueryHandlers<PublishQueries> = {
  readAudiencePage,
  ...publishViewQueries,
  summarizePublish: async (sql, { instanceId, publishId }) => {
    const key = [instanceId, publishId];
    const publish = await sql.get<SummaryRow>(findPublish, key);
    if (!publish) return null;
    const counts = await sql.all<CountRow>(listCounts, key);
    const users = publish.target_kind === 'users' ? await sql.all<UserRow>(listUsers, key) : [];
    return toSummary({ instanceId, publishId }, publish, counts, users);
  },
};

import type { Audience, PublishQueries, PublishView } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { FamilyRow, PublishRow, RangeRow } from '../rows/publish-view.ts';
import { isOver, maxCounted, publishColumns, toPublishView } from '../rows/publish-view.ts';
import { readAudiencePage } from './audience.ts';
import type { Sql } from './database.ts';
import type { QueryHandlers } from './handlers.ts';

const findPublish = `SELECT ${publishColumns} FROM publishes WHERE instance_id = $1 AND id = $2`;
const countPublishes = `
  SELECT count(*) AS count FROM (SELECT FROM publishes WHERE instance_id = $1 LIMIT ${maxCounted}) AS counted`;
const listNewest = `
  SELECT ${publishColumns} FROM publishes WHERE instance_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3`;
const listCounts = `
  SELECT family, outcome, count FROM publish_outcomes
  WHERE instance_id = $1 AND publish_id = $2 AND platform = 'web'`;
const countDeferred = `
  SELECT count(*) AS count FROM (
    SELECT FROM deferred_deliveries WHERE instance_id = $1 AND publish_id = $2 LIMIT $3) AS counted`;
const listRanges = `
  SELECT cursor_user, cursor_device, end_user, end_device FROM ranges WHERE instance_id = $1 AND publish_id = $2`;

/** Publishes as their sender sees them. */
export const publishViewQueries: QueryHandlers<Pick<PublishQueries, 'viewPublish' | 'listPublishes'>> = {
  viewPublish: async (sql, { instanceId, publishId, countRemainingUpTo }) => {
    const row = await sql.get<PublishRow>(findPublish, [instanceId, publishId]);
    return row ? toView(sql, row, countRemainingUpTo) : null;
  },
  listPublishes: async (sql, { instanceId, limit, offset, countRemainingUpTo }) => {
    const rows = await sql.all<PublishRow>(listNewest, [instanceId, limit, Math.min(offset, maxCounted)]);
    const publishes: PublishView[] = [];
    for (const row of rows) publishes.push(await toView(sql, row, countRemainingUpTo));
    return { total: (await sql.get<{ count: number }>(countPublishes, [instanceId]))?.count ?? 0, publishes };
  },
};

async function toView(sql: Sql, row: PublishRow, countRemainingUpTo: number): Promise<PublishView> {
  const counts = await sql.all<FamilyRow>(listCounts, [row.instance_id, row.id]);
  return toPublishView(row, counts, isOver(row) ? 0 : await countRemaining(sql, row, countRemainingUpTo));
}

/** Deferred deliveries, and devices of ranges that come after the cursor. */
async function countRemaining(sql: Sql, row: PublishRow, upTo: number): Promise<number> {
  const { instance_id: instanceId, id: publishId } = row;
  const platforms = JSON.parse(row.platforms) as Platform[];
  const audience = JSON.parse(row.audience) as Audience;
  let count = (await sql.get<{ count: number }>(countDeferred, [instanceId, publishId, upTo]))?.count ?? 0;
  for (const range of await sql.all<RangeRow>(listRanges, [instanceId, publishId])) {
    const end = { user: range.end_user, device: range.end_device };
    let cursor = { user: range.cursor_user, device: range.cursor_device };
    for (let looked = 0; count < upTo && looked < upTo; looked += 500) {
      const page = await readAudiencePage(sql, { instanceId, publishId, audience, platforms, end }, cursor, 500);
      count += page.devices.length;
      if (!page.next) break;
      cursor = page.next;
    }
  }
  return Math.min(count, upTo);
}

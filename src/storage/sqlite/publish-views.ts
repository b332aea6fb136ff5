import type { DatabaseSync } from 'node:sqlite';
import type { Audience, PublishQueries, PublishView } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { FamilyRow, PublishRow, RangeRow } from '../rows/publish-view.ts';
import { isOver, maxCounted, publishColumns, toPublishView } from '../rows/publish-view.ts';
import { prepareReadAudiencePage } from './audience.ts';
import type { QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

/** Publishes as their sender sees them. */
export function preparePublishViewQueries(
  db: DatabaseSync,
): QueryHandlers<Pick<PublishQueries, 'viewPublish' | 'listPublishes'>> {
  const findPublish = prepare<PublishRow>(
    db,
    `SELECT ${publishColumns} FROM publishes WHERE instance_id = ? AND id = ?`,
  );
  const countPublishes = prepare<{ count: number }>(
    db,
    'SELECT count(*) AS count FROM (SELECT 1 FROM publishes WHERE instance_id = ? LIMIT ?)',
  );
  const listNewest = prepare<PublishRow>(
    db,
    `SELECT ${publishColumns} FROM publishes WHERE instance_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
  );
  const listCounts = prepare<FamilyRow>(
    db,
    `SELECT family, outcome, count FROM publish_outcomes
     WHERE instance_id = ? AND publish_id = ? AND platform = 'web'`,
  );
  const countRemaining = prepareCountRemaining(db);

  const toView = (row: PublishRow, countRemainingUpTo: number): PublishView => {
    const remaining = isOver(row) ? 0 : countRemaining(row, countRemainingUpTo);
    return toPublishView(row, listCounts.all(row.instance_id, row.id), remaining);
  };

  return {
    viewPublish: ({ instanceId, publishId, countRemainingUpTo }) => {
      const row = findPublish.get(instanceId, publishId);
      return row ? toView(row, countRemainingUpTo) : null;
    },
    listPublishes: ({ instanceId, limit, offset, countRemainingUpTo }) => {
      const rows = listNewest.all(instanceId, limit, Math.min(offset, maxCounted));
      return {
        total: countPublishes.get(instanceId, maxCounted)?.count ?? 0,
        publishes: rows.map((row) => toView(row, countRemainingUpTo)),
      };
    },
  };
}

/** Deferred deliveries, and devices of ranges that come after the cursor. */
function prepareCountRemaining(db: DatabaseSync): (row: PublishRow, upTo: number) => number {
  const countDeferred = prepare<{ count: number }>(
    db,
    `SELECT count(*) AS count FROM
       (SELECT 1 FROM deferred_deliveries WHERE instance_id = ? AND publish_id = ? LIMIT ?)`,
  );
  const listRanges = prepare<RangeRow>(
    db,
    'SELECT cursor_user, cursor_device, end_user, end_device FROM ranges WHERE instance_id = ? AND publish_id = ?',
  );
  const readPage = prepareReadAudiencePage(db);
  return (row, upTo) => {
    const { instance_id: instanceId, id: publishId } = row;
    let count = countDeferred.get(instanceId, publishId, upTo)?.count ?? 0;
    const platforms = JSON.parse(row.platforms) as Platform[];
    const audience = JSON.parse(row.audience) as Audience;
    for (const range of listRanges.all(instanceId, publishId)) {
      const end = { user: range.end_user, device: range.end_device };
      let cursor = { user: range.cursor_user, device: range.cursor_device };
      let looked = 0;
      while (count < upTo && looked < upTo) {
        const page = readPage({ instanceId, publishId, audience, platforms, end }, cursor, 500);
        count += page.devices.length;
        looked += 500;
        if (!page.next) break;
        cursor = page.next;
      }
    }
    return Math.min(count, upTo);
  };
}

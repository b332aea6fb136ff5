import type { DatabaseSync } from 'node:sqlite';
import type { Audience, FamilyCounts, PublishQueries, PublishView } from '../../core/ports/publish-store.ts';
import type { BrowserFamily } from '../../protocol/browser-family.ts';
import type { Platform } from '../../protocol/ids.ts';
import { prepareReadAudiencePage } from './audience.ts';
import type { QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

interface PublishRow {
  instance_id: string;
  id: string;
  accepted_at: number;
  send_after: number | null;
  finished_at: number | null;
  canceled_at: number | null;
  audience: string;
  platforms: string;
  body: Uint8Array;
}

interface RangeRow {
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
}

/** Counting further would take long, and nobody turns so many pages. */
const maxCounted = 100_000;
const noCounts: FamilyCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, confirmed: 0, clicked: 0 };
const columns = 'instance_id, id, accepted_at, send_after, finished_at, canceled_at, audience, platforms, body';

/** Publishes as their sender sees them. */
export function preparePublishViewQueries(
  db: DatabaseSync,
): QueryHandlers<Pick<PublishQueries, 'viewPublish' | 'listPublishes'>> {
  const findPublish = prepare<PublishRow>(db, `SELECT ${columns} FROM publishes WHERE instance_id = ? AND id = ?`);
  const countPublishes = prepare<{ count: number }>(
    db,
    'SELECT count(*) AS count FROM (SELECT 1 FROM publishes WHERE instance_id = ? LIMIT ?)',
  );
  const listNewest = prepare<PublishRow>(
    db,
    `SELECT ${columns} FROM publishes WHERE instance_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
  );
  const listCounts = prepare<{ family: BrowserFamily | ''; outcome: keyof FamilyCounts; count: number }>(
    db,
    `SELECT family, outcome, count FROM publish_outcomes
     WHERE instance_id = ? AND publish_id = ? AND platform = 'web'`,
  );
  const countRemaining = prepareCountRemaining(db);

  const toView = (row: PublishRow, countRemainingUpTo: number): PublishView => {
    const families: Partial<Record<BrowserFamily, FamilyCounts>> = {};
    for (const { family, outcome, count } of listCounts.all(row.instance_id, row.id)) {
      if (family !== '') families[family] = { ...(families[family] ?? noCounts), [outcome]: count };
    }
    const isOver = row.finished_at !== null || row.canceled_at !== null;
    return {
      instanceId: row.instance_id,
      publishId: row.id,
      acceptedAt: row.accepted_at,
      sendAfter: row.send_after,
      finishedAt: row.finished_at,
      canceledAt: row.canceled_at,
      body: row.body,
      families,
      remaining: isOver ? 0 : countRemaining(row, countRemainingUpTo),
    };
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

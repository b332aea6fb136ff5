import type { Audience, ClaimedRange, PublishCommands, PublishKey } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { openEnd } from '../rows/open-end.ts';
import { greatestUuid, leastUuid } from '../rows/uuid-bounds.ts';
import { dropUnclaimed } from './cancel.ts';
import type { Sql } from './database.ts';
import { lock } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { wakeNext } from './wake-next.ts';

/*
 * $1: the instance that was served last, $2: how many are wanted, $3: lease, $4: publishes that are left out.
 *
 * `walk` steps from instance to instance, once around, as far as is asked for; `turns` are those with something due, as many
 * as are wanted; each gives its share of what waits longest. What others are claiming at the moment is passed over. Nothing
 * scans what is due: publishes have one range that waits, and walks end at their limits.
 */
const claimSome = `
  WITH RECURSIVE walk (instance_id, lap, step) AS (
    SELECT $1::uuid, 0, 0
    UNION ALL
    SELECT next.instance_id, next.lap, w.step + 1
    FROM walk w CROSS JOIN LATERAL (
      (SELECT r.instance_id, w.lap FROM ranges r
       WHERE r.instance_id > w.instance_id
         AND r.instance_id <= CASE WHEN w.lap = 0 THEN '${greatestUuid}'::uuid ELSE $1::uuid END
       ORDER BY r.instance_id LIMIT 1)
      UNION ALL
      (SELECT r.instance_id, 1 FROM ranges r WHERE w.lap = 0 AND r.instance_id <= $1::uuid ORDER BY r.instance_id LIMIT 1)
      LIMIT 1
    ) next
  ), turns AS MATERIALIZED (
    SELECT w.instance_id, w.step
    FROM walk w CROSS JOIN LATERAL (
      SELECT FROM ranges r
      WHERE r.instance_id = w.instance_id AND r.due_at <= pharos_now() AND r.publish_id <> ALL($4::uuid[])
      ORDER BY r.due_at, r.pages LIMIT 1
    ) due
    WHERE w.step > 0 LIMIT $2
  ), picked AS MATERIALIZED (
    SELECT t.step, r.*
    FROM turns t CROSS JOIN LATERAL (
      SELECT r.instance_id, r.publish_id, r.number, r.due_at, r.pages FROM ranges r
      WHERE r.instance_id = t.instance_id AND r.due_at <= pharos_now() AND r.publish_id <> ALL($4::uuid[])
      ORDER BY r.due_at, r.pages LIMIT (SELECT ceil($2::numeric / count(*)) FROM turns) FOR UPDATE SKIP LOCKED
    ) r
  ), chosen AS (
    SELECT *, row_number() OVER (PARTITION BY instance_id ORDER BY due_at, pages) AS round
    FROM picked ORDER BY round, step LIMIT $2
  ), leased AS (
    UPDATE ranges r
    SET claim_token = CASE WHEN p.canceled_at IS NULL THEN gen_random_uuid() END,
        due_at = CASE WHEN p.canceled_at IS NULL THEN pharos_now() + $3 ELSE r.due_at END,
        -- Who is part of a scheduled publish is settled now.
        end_device = CASE WHEN r.end_device < ${openEnd} THEN r.end_device
          ELSE coalesce((SELECT max(number) FROM devices), 0) END
    FROM chosen c JOIN publishes p ON p.instance_id = c.instance_id AND p.id = c.publish_id
    WHERE r.instance_id = c.instance_id AND r.publish_id = c.publish_id AND r.number = c.number
    RETURNING c.step, c.round, r.publish_id, r.number, r.claim_token, r.cursor_user, r.cursor_device, r.end_user,
      r.end_device, p.canceled_at, p.ranges, p.audience, p.platforms, p.body
  )
  SELECT t.instance_id, l.* FROM turns t LEFT JOIN leased l ON l.step = t.step ORDER BY l.round NULLS LAST, t.step`;

interface TurnRow {
  instance_id: string;
  publish_id: string;
  number: number;
  /** Null with a canceled publish. */
  claim_token: string | null;
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
  canceled_at: number | null;
  ranges: number;
  audience: string;
  platforms: string;
  body: Uint8Array;
}

/** Of an instance whose ranges others were claiming. */
type EmptyTurnRow = { instance_id: string; publish_id: null };

/** Others may hold what is due for as long as their claim lasts; it is not waited for. */
const maxRounds = 8;

export function createClaimRanges(): CommandHandlers<Pick<PublishCommands, 'claimRanges'>>['claimRanges'] {
  /** Instances take turns, in the order of their ids. */
  let lastServed: string = leastUuid;
  return each(async (sql, { limit, leaseMs, except = [] }) => {
    const claimed: ClaimedRange[] = [];
    for (let round = 0; round < maxRounds && claimed.length < limit; round += 1) {
      const wanted = limit - claimed.length;
      const rows = await sql.all<TurnRow | EmptyTurnRow>(claimSome, [lastServed, wanted, leaseMs, except]);
      const found = rows.filter((row): row is TurnRow => row.publish_id !== null);
      claimed.push(...(await take(sql, found)));
      lastServed = (found.at(-1) ?? rows.at(-1))?.instance_id ?? lastServed;
      const turns = new Set(rows.map((row) => row.instance_id)).size;
      if (turns < wanted && !isShareFull(found, Math.ceil(wanted / turns))) break;
    }
    return claimed;
  });
}

/** Whether an instance has given all that it was asked for: it may have more. */
const isShareFull = (found: readonly TurnRow[], share: number): boolean =>
  [...Map.groupBy(found, (row) => row.instance_id).values()].some((rows) => rows.length >= share);

async function take(sql: Sql, rows: readonly TurnRow[]): Promise<readonly ClaimedRange[]> {
  const divided = rows.filter((row) => row.ranges > 1).map(keyOf);
  if (divided.length > 0) {
    await lock(sql, divided);
    await wakeNext(sql, divided);
  }
  const claimed: ClaimedRange[] = [];
  for (const row of rows) {
    if (row.claim_token === null) await dropUnclaimed(sql, keyOf(row));
    else claimed.push(toClaimed(row, row.claim_token));
  }
  return claimed;
}

const keyOf = (row: TurnRow): PublishKey => ({ instanceId: row.instance_id, publishId: row.publish_id });

const toClaimed = (row: TurnRow, claimToken: string): ClaimedRange => ({
  ...keyOf(row),
  rangeNumber: row.number,
  claimToken,
  audience: JSON.parse(row.audience) as Audience,
  platforms: JSON.parse(row.platforms) as Platform[],
  body: row.body,
  cursor: { user: row.cursor_user, device: row.cursor_device },
  end: { user: row.end_user, device: row.end_device },
});

import type { AudienceCursor, PublishTarget, RangeKey, Recorded, RecordPage } from '../../core/ports/publish-store.ts';
import type { Sql, SqlValue } from './database.ts';
import { finish, toColumns, whichFinished } from './finish.ts';
import { giveBack } from './give-back.ts';
import type { Settled } from './settle.ts';
import { settle } from './settle.ts';
import { wakeNext } from './wake-next.ts';

const lockByKey = `
  SELECT k.n, r.claim_token, r.cursor_user, r.cursor_device, p.target_kind, p.canceled_at IS NOT NULL AS canceled,
    p.ranges > 1 AS divided
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS k (instance_id, publish_id, number, n)
    JOIN ranges r ON r.instance_id = k.instance_id AND r.publish_id = k.publish_id AND r.number = k.number
    JOIN publishes p ON p.instance_id = r.instance_id AND p.id = r.publish_id
  ORDER BY r.instance_id, r.publish_id, r.number FOR UPDATE OF r`;
interface RangeRow {
  /** Place of its key among the parameters, from 1. */
  n: number;
  claim_token: string | null;
  cursor_user: number;
  cursor_device: number;
  target_kind: PublishTarget['kind'];
  canceled: boolean;
  divided: boolean;
}

const moveCursors = `
  UPDATE ranges r
  SET cursor_user = k.cursor_user, cursor_device = k.cursor_device, claim_token = k.claim_token,
      due_at = pharos_now() + k.lease, pages = r.pages + k.pages,
      first_place = CASE WHEN r.pages = 0 THEN k.first_place ELSE r.first_place END
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[], $7::bigint[], $8::bigint[],
      $9::bigint[])
    AS k (instance_id, publish_id, number, cursor_user, cursor_device, claim_token, lease, pages, first_place)
  WHERE r.instance_id = k.instance_id AND r.publish_id = k.publish_id AND r.number = k.number`;
const deleteRanges = `
  DELETE FROM ranges r USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k (instance_id, publish_id, number)
  WHERE r.instance_id = k.instance_id AND r.publish_id = k.publish_id AND r.number = k.number`;

/** A range as the items of a batch have left it so far. */
interface Range extends RangeKey {
  readonly targetKind: PublishTarget['kind'];
  readonly canceled: boolean;
  readonly divided: boolean;
  claimToken: string | null;
  cursor: AudienceCursor;
  /** Recorded by this batch. */
  pages: number;
  /** Where the first of them ended. */
  firstPlace: number;
  leaseMs: number;
  isOver: boolean;
}

/** What a page comes to. `ended`, `was-ended`: whether its publish is finished is seen in the end. */
type Step =
  | { readonly kind: 'stale' | 'ended' | 'was-ended' }
  | { readonly kind: 'recorded'; readonly finished: false; readonly canceled?: true };

/** Records pages of ranges, in order. */
export async function recordPages(sql: Sql, pages: readonly RecordPage[]): Promise<readonly Recorded[]> {
  const ranges = await lockRanges(sql, pages);
  const settled: Settled[] = [];
  const steps = pages.map((page) => record(page, ranges.get(textOf(page)), settled));
  await settle(sql, settled);
  await write(sql, [...ranges.values()]);
  const withStep = (kind: Step['kind']) => pages.filter((_, index) => steps[index]?.kind === kind);
  const finished = [
    ...(await finish(sql, withStep('ended'))),
    ...(await whichFinished(sql, withStep('was-ended'))),
  ].map(({ publishId }) => publishId);
  // A claim that came just before the division has woken nobody, since it saw one range.
  const left = [...ranges.values()].filter(
    ({ isOver, divided, publishId }) => isOver && divided && !finished.includes(publishId),
  );
  if (left.length > 0) await wakeNext(sql, left);
  return steps.map((step, index) => {
    if (step.kind === 'stale') return { kind: 'stale' };
    if (step.kind === 'recorded') return step;
    return { kind: 'recorded', finished: finished.includes(pages[index]?.publishId ?? '') };
  });
}

function record(page: RecordPage, range: Range | undefined, settled: Settled[]): Step {
  const { claimToken, cursor, next, leaseMs, deliveries } = page;
  if (!range || range.isOver) return { kind: next === null || leaseMs === 0 ? 'was-ended' : 'stale' };
  if (range.claimToken !== claimToken) return { kind: 'stale' };
  if (range.cursor.user !== cursor.user || range.cursor.device !== cursor.device) {
    return { kind: 'recorded', finished: false };
  }
  const { instanceId, publishId, targetKind, canceled } = range;
  settled.push({ instanceId, publishId, targetKind, deliveries });
  range.pages += 1;
  // With a lease wanted, another page of it is on its way.
  if (next && !(canceled && leaseMs === 0)) {
    if (range.pages === 1) range.firstPlace = targetKind === 'users' ? next.user : next.device;
    Object.assign(range, { cursor: next, claimToken: leaseMs === 0 ? null : claimToken, leaseMs });
    return { kind: 'recorded', finished: false, ...(canceled && { canceled }) };
  }
  range.isOver = true;
  return { kind: 'ended' };
}

async function lockRanges(sql: Sql, pages: readonly RangeKey[]): Promise<ReadonlyMap<string, Range>> {
  const keys = [...new Map(pages.map((page) => [textOf(page), page])).values()];
  const rows = await sql.all<RangeRow>(lockByKey, toKeyColumns(keys));
  return new Map(
    rows.map((row) => {
      const { instanceId, publishId, rangeNumber } = keys[row.n - 1] as RangeKey;
      const cursor = { user: row.cursor_user, device: row.cursor_device };
      const range = {
        ...{ instanceId, publishId, rangeNumber, cursor, targetKind: row.target_kind, canceled: row.canceled },
        ...{ divided: row.divided, claimToken: row.claim_token, pages: 0, firstPlace: 0, leaseMs: 0, isOver: false },
      };
      return [textOf(range), range];
    }),
  );
}

async function write(sql: Sql, ranges: readonly Range[]): Promise<void> {
  const over = ranges.filter(({ isOver }) => isOver);
  if (over.length > 0) await sql.run(deleteRanges, toKeyColumns(over));
  const moved = ranges.filter(({ pages, isOver }) => pages > 0 && !isOver);
  if (moved.length === 0) return;
  await sql.run(moveCursors, [
    ...toKeyColumns(moved),
    ...[moved.map(({ cursor }) => cursor.user), moved.map(({ cursor }) => cursor.device)],
    ...[moved.map(({ claimToken }) => claimToken), moved.map(({ leaseMs }) => leaseMs)],
    ...[moved.map(({ pages }) => pages), moved.map(({ firstPlace }) => firstPlace)],
  ]);
  for (const range of moved) if (range.claimToken === null) await giveBack(sql, range);
}

const textOf = ({ instanceId, publishId, rangeNumber }: RangeKey): string =>
  `${instanceId} ${publishId} ${rangeNumber}`;

const toKeyColumns = (ranges: readonly RangeKey[]): readonly SqlValue[] => [
  ...toColumns(ranges),
  ranges.map(({ rangeNumber }) => rangeNumber),
];

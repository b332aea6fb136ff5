import type { FamilyCounts, PublishView } from '../../core/ports/publish-store.ts';
import type { BrowserFamily } from '../../protocol/browser-family.ts';
import type { CountedOutcome } from './counted-outcome.ts';

export interface PublishRow {
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

export const publishColumns =
  'instance_id, id, accepted_at, send_after, finished_at, canceled_at, audience, platforms, body';

/** Where what is left of a range begins and ends. */
export interface RangeRow {
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
}

/** What became of a publish in browsers. */
export interface FamilyRow {
  family: BrowserFamily | '';
  outcome: CountedOutcome;
  count: number;
}

/** Counting publishes further would take long, and nobody turns so many pages. */
export const maxCounted = 100_000;

const noCounts: FamilyCounts = { accepted: 0, gone: 0, rejected: 0, failed: 0, confirmed: 0, clicked: 0 };

/** Nothing more is sent. */
export const isOver = ({ finished_at: finishedAt, canceled_at: canceledAt }: PublishRow): boolean =>
  finishedAt !== null || canceledAt !== null;

export function toPublishView(row: PublishRow, counts: readonly FamilyRow[], remaining: number): PublishView {
  const families: Partial<Record<BrowserFamily, FamilyCounts>> = {};
  for (const { family, outcome, count } of counts) {
    if (family !== '' && outcome in noCounts)
      families[family] = { ...(families[family] ?? noCounts), [outcome]: count };
  }
  return {
    instanceId: row.instance_id,
    publishId: row.id,
    acceptedAt: row.accepted_at,
    sendAfter: row.send_after,
    finishedAt: row.finished_at,
    canceledAt: row.canceled_at,
    body: row.body,
    families,
    remaining,
  };
}

import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Audience, ClaimedRange, PublishCommands, PublishTarget } from '../../core/ports/publish-store.ts';
import type { Sealer } from '../../core/ports/sealer.ts';
import type { Platform } from '../../protocol/ids.ts';
import { openEnd } from '../rows/open-end.ts';
import { prepareAcceptPublishes } from './accept.ts';
import { prepareCancelPublishes, prepareDropUnclaimed } from './cancel.ts';
import { prepareFinish, prepareIsFinished } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepareSettle } from './settle.ts';
import { prepare } from './statement.ts';

interface DueRange {
  instance_id: string;
  publish_id: string;
  number: number;
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
  canceled_at: number | null;
  audience: string;
  platforms: string;
  body: Uint8Array;
}

export function preparePublishCommands(
  db: DatabaseSync,
  sealer: Pick<Sealer, 'seal'>,
  outbox: Outbox,
): CommandHandlers<Pick<PublishCommands, 'acceptPublishes' | 'cancelPublishes' | 'claimRanges' | 'recordPages'>> {
  const findNextInstance = prepare<{ instance_id: string }>(
    db,
    'SELECT instance_id FROM ranges WHERE instance_id > ? ORDER BY instance_id LIMIT 1',
  );
  const findDueRange = prepare<DueRange>(
    db,
    `SELECT r.instance_id, r.publish_id, r.number, r.cursor_user, r.cursor_device, r.end_user, r.end_device,
       p.canceled_at, p.audience, p.platforms, p.body
     FROM ranges r INDEXED BY ranges_by_instance
       CROSS JOIN publishes p ON p.instance_id = r.instance_id AND p.id = r.publish_id
     WHERE r.instance_id = ? AND r.due_at <= ? AND r.publish_id NOT IN (SELECT value FROM json_each(?))
     ORDER BY r.due_at, r.pages LIMIT 1`,
  );
  const leaseRange = prepare(
    db,
    `UPDATE ranges SET claim_token = ?, due_at = ?, end_device = ?
     WHERE instance_id = ? AND publish_id = ? AND number = ?`,
  );
  const findRange = prepare<{
    claim_token: string | null;
    cursor_user: number;
    cursor_device: number;
    target_kind: PublishTarget['kind'];
    canceled_at: number | null;
  }>(
    db,
    `SELECT r.claim_token, r.cursor_user, r.cursor_device, p.target_kind, p.canceled_at
     FROM ranges r JOIN publishes p ON p.instance_id = r.instance_id AND p.id = r.publish_id
     WHERE r.instance_id = ? AND r.publish_id = ? AND r.number = ?`,
  );
  const moveCursor = prepare(
    db,
    `UPDATE ranges SET cursor_user = ?, cursor_device = ?, claim_token = ?, due_at = ?, pages = pages + 1
     WHERE instance_id = ? AND publish_id = ? AND number = ?`,
  );
  const deleteRange = prepare(db, 'DELETE FROM ranges WHERE instance_id = ? AND publish_id = ? AND number = ?');
  // Greatest of all instances: as good an end as the instance's own, and no index is needed to find it.
  const lastDevice = prepare<{ number: number | null }>(db, 'SELECT max(number) AS number FROM devices');
  const dropUnclaimed = prepareDropUnclaimed(db, outbox);
  /** Instances take turns, in the order of their ids. */
  let lastServed = '';
  const settle = prepareSettle(db);
  const finish = prepareFinish(db, outbox);
  const isFinished = prepareIsFinished(db);

  return {
    acceptPublishes: prepareAcceptPublishes(db, sealer, outbox),
    cancelPublishes: prepareCancelPublishes(db, outbox),
    claimRanges: ({ limit, leaseMs, except = [] }) => {
      const leftOut = JSON.stringify(except);
      const now = Date.now();
      const claimed: ClaimedRange[] = [];
      // Ends after a round that found nothing due; what is not due is leased or scheduled, and its instance is passed over.
      let fruitless: string | null = null;
      while (claimed.length < limit) {
        const next = findNextInstance.get(lastServed) ?? findNextInstance.get('');
        if (!next || next.instance_id === fruitless) break;
        lastServed = next.instance_id;
        const row = findDueRange.get(lastServed, now, leftOut);
        if (!row) {
          fruitless ??= lastServed;
          continue;
        }
        fruitless = null;
        if (row.canceled_at !== null) {
          dropUnclaimed({ instanceId: row.instance_id, publishId: row.publish_id });
          continue;
        }
        const claimToken = randomUUID();
        // Who is part of a scheduled publish is settled now.
        const end = row.end_device === openEnd ? (lastDevice.get()?.number ?? 0) : row.end_device;
        leaseRange.run(claimToken, now + leaseMs, end, row.instance_id, row.publish_id, row.number);
        claimed.push({
          instanceId: row.instance_id,
          publishId: row.publish_id,
          rangeNumber: row.number,
          claimToken,
          audience: JSON.parse(row.audience) as Audience,
          platforms: JSON.parse(row.platforms) as Platform[],
          body: row.body,
          cursor: { user: row.cursor_user, device: row.cursor_device },
          end: { user: row.end_user, device: end },
        });
      }
      return claimed;
    },
    recordPages: (page) => {
      const { instanceId, publishId, rangeNumber, claimToken, cursor, next, leaseMs } = page;
      const range = findRange.get(instanceId, publishId, rangeNumber);
      if (!range && (next === null || leaseMs === 0)) return { kind: 'recorded', finished: isFinished(page) };
      if (range?.claim_token !== claimToken) return { kind: 'stale' };
      if (range.cursor_user !== cursor.user || range.cursor_device !== cursor.device) {
        return { kind: 'recorded', finished: false };
      }
      settle({ instanceId, publishId, targetKind: range.target_kind }, page.deliveries);
      // With a lease wanted, another page of it is on its way.
      const isCanceled = range.canceled_at !== null;
      if (next && !(isCanceled && leaseMs === 0)) {
        const [token, dueAt] = [leaseMs === 0 ? null : claimToken, Date.now() + leaseMs];
        moveCursor.run(next.user, next.device, token, dueAt, instanceId, publishId, rangeNumber);
        return { kind: 'recorded', finished: false, ...(isCanceled && { canceled: true }) };
      }
      deleteRange.run(instanceId, publishId, rangeNumber);
      return { kind: 'recorded', finished: finish({ instanceId, publishId }) };
    },
  };
}

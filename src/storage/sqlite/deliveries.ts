import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ClaimedDelivery, PublishCommands, PublishKey, PublishTarget } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { sdkMetadata, toAudienceDevice } from '../rows/audience-row.ts';
import { prepareDropUnclaimed } from './cancel.ts';
import { prepareFinish, prepareIsFinished } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepareSettle } from './settle.ts';
import { prepare } from './statement.ts';

interface DueDelivery {
  instance_id: string;
  publish_id: string;
  device_number: number;
  attempts: number;
  first_attempt_at: number;
  platform: Platform;
  address: string;
  keys: Uint8Array;
  bundle_identifier: string | null;
  registered_at: number;
  metadata: string;
  user_number: number | null;
  gone_at: number | null;
}

export function prepareDeliveryCommands(
  db: DatabaseSync,
  outbox: Outbox,
): CommandHandlers<Pick<PublishCommands, 'claimDeliveries' | 'completeDeliveries'>> {
  const listDue = prepare<DueDelivery>(
    db,
    `SELECT f.instance_id, f.publish_id, f.device_number, f.attempts, f.first_attempt_at,
       d.platform, d.address, d.keys, d.bundle_identifier, d.registered_at, ${sdkMetadata}, d.user_number, d.gone_at
     FROM deferred_deliveries f CROSS JOIN devices d ON d.number = f.device_number
     WHERE f.due_at <= ? ORDER BY f.due_at LIMIT ?`,
  );
  const findPublish = prepare<{ body: Uint8Array; canceled_at: number | null }>(
    db,
    'SELECT body, canceled_at FROM publishes WHERE instance_id = ? AND id = ?',
  );
  const lease = prepare(
    db,
    `UPDATE deferred_deliveries SET claim_token = ?, due_at = ?
     WHERE instance_id = ? AND publish_id = ? AND device_number = ?`,
  );
  const findDelivery = prepare<{ claim_token: string | null; target_kind: PublishTarget['kind'] }>(
    db,
    `SELECT f.claim_token, p.target_kind
     FROM deferred_deliveries f JOIN publishes p ON p.instance_id = f.instance_id AND p.id = f.publish_id
     WHERE f.instance_id = ? AND f.publish_id = ? AND f.device_number = ?`,
  );
  const deleteDelivery = prepare(
    db,
    'DELETE FROM deferred_deliveries WHERE instance_id = ? AND publish_id = ? AND device_number = ?',
  );
  const dropUnclaimed = prepareDropUnclaimed(db, outbox);
  const settle = prepareSettle(db);
  const finish = prepareFinish(db, outbox);
  const isFinished = prepareIsFinished(db);

  return {
    claimDeliveries: ({ limit, leaseMs }) => {
      const now = Date.now();
      // Read once per publish: the answer's deliveries share it, and it is copied once on its way to the main thread.
      const publishes = new Map<string, ReturnType<typeof findPublish.get>>();
      const canceled = new Map<string, PublishKey>();
      const claimed: ClaimedDelivery[] = [];
      for (const row of listDue.all(now, limit)) {
        const publish = publishes.get(row.publish_id) ?? findPublish.get(row.instance_id, row.publish_id);
        if (!publish) throw new Error(`a deferred delivery of publish ${row.publish_id} is left without it`);
        publishes.set(row.publish_id, publish);
        if (publish.canceled_at !== null) {
          canceled.set(row.publish_id, { instanceId: row.instance_id, publishId: row.publish_id });
          continue;
        }
        const claimToken = randomUUID();
        lease.run(claimToken, now + leaseMs, row.instance_id, row.publish_id, row.device_number);
        claimed.push({
          instanceId: row.instance_id,
          publishId: row.publish_id,
          claimToken,
          device: toAudienceDevice(row.device_number, row),
          deviceGone: row.gone_at !== null,
          attempts: row.attempts,
          firstAttemptAt: row.first_attempt_at,
          body: publish.body,
        });
      }
      for (const publish of canceled.values()) dropUnclaimed(publish);
      return claimed;
    },
    completeDeliveries: ({ instanceId, publishId, claimToken, delivery }) => {
      const found = findDelivery.get(instanceId, publishId, delivery.deviceNumber);
      if (!found) return { kind: 'recorded', finished: isFinished({ instanceId, publishId }) };
      if (found.claim_token !== claimToken) return { kind: 'stale' };
      settle({ instanceId, publishId, targetKind: found.target_kind }, [delivery]);
      if (delivery.outcome.kind === 'deferred') return { kind: 'recorded', finished: false };
      deleteDelivery.run(instanceId, publishId, delivery.deviceNumber);
      return { kind: 'recorded', finished: finish({ instanceId, publishId }) };
    },
  };
}

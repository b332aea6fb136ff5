import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRecord, PublishKey, PublishTarget } from '../../core/ports/publish-store.ts';
import { tally } from '../rows/tally.ts';
import { prepare } from './statement.ts';
import { prepareTombstone } from './tombstone.ts';

/** Writes what deliveries came to: counters, users' states, dead devices, rows that wait. */
export function prepareSettle(
  db: DatabaseSync,
): (
  publish: PublishKey & { readonly targetKind: PublishTarget['kind'] },
  deliveries: readonly DeliveryRecord[],
) => void {
  const addToCount = prepare(
    db,
    `INSERT INTO publish_outcomes (instance_id, publish_id, platform, family, outcome, count) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, publish_id, platform, family, outcome) DO UPDATE SET count = count + excluded.count`,
  );
  const raiseUserState = prepare(
    db,
    `UPDATE publish_users SET state = ?4
     WHERE instance_id = ?1 AND publish_id = ?2 AND user_number = ?3 AND state < ?4`,
  );
  const hasAddress = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM devices WHERE number = ? AND instance_id = ? AND address = ?',
  );
  const defer = prepare(
    db,
    `INSERT INTO deferred_deliveries
       (instance_id, publish_id, device_number, attempts, first_attempt_at, due_at, claim_token)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, publish_id, device_number)
     DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at, claim_token = excluded.claim_token`,
  );
  const tombstone = prepareTombstone(db);

  return ({ instanceId, publishId, targetKind }, deliveries) => {
    const now = Date.now();
    const { counts, userStates, deferred, gone } = tally(targetKind, deliveries);
    for (const { deviceNumber, outcome } of deferred) {
      const { attempts, retryInMs, claimToken } = outcome;
      defer.run(instanceId, publishId, deviceNumber, attempts, now, now + retryInMs, claimToken);
    }
    for (const { deviceNumber, address } of gone) {
      if (hasAddress.get(deviceNumber, instanceId, address)) tombstone(instanceId, deviceNumber, 'gateway');
    }
    for (const { platform, family, outcome, count } of counts) {
      addToCount.run(instanceId, publishId, platform, family, outcome, count);
    }
    for (const [userNumber, state] of userStates) raiseUserState.run(instanceId, publishId, userNumber, state);
  };
}

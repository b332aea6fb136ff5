import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRecord, FinalOutcome, PublishKey, PublishTarget } from '../../core/ports/publish-store.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import { prepare } from './statement.ts';
import { prepareTombstone } from './tombstone.ts';

/** States of a user of a publish; only ever grow. */
export const userStates = { noDevices: 0, failed: 1, delivered: 2 } as const;

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
    const counts = new Map<string, { platform: string; family: string; outcome: FinalOutcome; count: number }>();
    const states = new Map<number, number>();
    for (const { deviceNumber, platform, userNumber, address, outcome } of deliveries) {
      if (outcome.kind === 'deferred') {
        const { attempts, retryInMs, claimToken } = outcome;
        defer.run(instanceId, publishId, deviceNumber, attempts, now, now + retryInMs, claimToken);
        continue;
      }
      const family = platform === 'web' ? browserFamilyOf(address) : '';
      const key = `${platform} ${family} ${outcome.kind}`;
      const entry = counts.get(key) ?? { platform, family, outcome: outcome.kind, count: 0 };
      entry.count += 1;
      counts.set(key, entry);
      if (targetKind === 'users' && userNumber !== null) {
        const state = outcome.kind === 'accepted' ? userStates.delivered : userStates.failed;
        states.set(userNumber, Math.max(state, states.get(userNumber) ?? 0));
      }
      if (outcome.kind === 'gone' && !outcome.keepDevice && hasAddress.get(deviceNumber, instanceId, address)) {
        tombstone(instanceId, deviceNumber, 'gateway');
      }
    }
    for (const { platform, family, outcome, count } of counts.values()) {
      addToCount.run(instanceId, publishId, platform, family, outcome, count);
    }
    for (const [userNumber, state] of states) raiseUserState.run(instanceId, publishId, userNumber, state);
  };
}

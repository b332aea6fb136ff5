import type { DeliveryRecord, PublishKey, PublishTarget } from '../../core/ports/publish-store.ts';
import { tally } from '../rows/tally.ts';
import type { Sql } from './database.ts';
import { tombstone } from './tombstone.ts';

/** What some deliveries of a publish came to. */
export interface Settled extends PublishKey {
  readonly targetKind: PublishTarget['kind'];
  readonly deliveries: readonly DeliveryRecord[];
}

const defer = `
  INSERT INTO deferred_deliveries
    (instance_id, publish_id, device_number, attempts, first_attempt_at, due_at, claim_token)
  SELECT instance_id, publish_id, device_number, attempts, pharos_now(), pharos_now() + retry_in, claim_token
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[])
    AS d (instance_id, publish_id, device_number, attempts, retry_in, claim_token)
  ON CONFLICT (instance_id, publish_id, device_number)
  DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at, claim_token = excluded.claim_token`;
const lockWithAddress = `
  SELECT d.number, d.instance_id
  FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS g (number, instance_id, address) ORDER BY number) g
    CROSS JOIN LATERAL (SELECT * FROM devices WHERE number = g.number OFFSET 0 FOR UPDATE) d
  WHERE d.instance_id = g.instance_id AND d.address = g.address AND d.gone_at IS NULL`;
const raiseUserStates = `
  UPDATE publish_users pu SET state = s.state
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS s (instance_id, publish_id, user_number, state)
  WHERE pu.instance_id = s.instance_id AND pu.publish_id = s.publish_id AND pu.user_number = s.user_number
    AND pu.state < s.state`;
const addToCounts = `
  INSERT INTO publish_outcomes AS o (instance_id, publish_id, platform, family, outcome, count)
  SELECT instance_id, publish_id, platform, family, outcome, sum(count)
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    AS c (instance_id, publish_id, platform, family, outcome, count)
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (instance_id, publish_id, platform, family, outcome) DO UPDATE SET count = o.count + excluded.count`;

/** Writes what deliveries came to: rows that wait, dead devices, users' states, counters. */
export async function settle(sql: Sql, settled: readonly Settled[]): Promise<void> {
  const tallies = settled.map(({ targetKind, deliveries, ...publish }) => ({
    ...publish,
    ...tally(targetKind, deliveries),
  }));
  await writeDeferred(
    sql,
    tallies.flatMap(({ deferred, ...publish }) => deferred.map((delivery) => ({ ...publish, ...delivery }))),
  );
  await bury(
    sql,
    tallies.flatMap(({ instanceId, gone }) => gone.map((delivery) => ({ instanceId, ...delivery }))),
  );
  const states = tallies.flatMap(({ userStates, ...publish }) =>
    [...userStates].map(([userNumber, state]) => ({ ...publish, userNumber, state })),
  );
  await writeStates(sql, states);
  // Last, since all who work on a publish wait here for each other's commits.
  const counts = tallies.flatMap(({ counts: ofPublish, ...publish }) =>
    ofPublish.map((count) => ({ ...publish, ...count })),
  );
  if (counts.length === 0) return;
  await sql.run(addToCounts, [
    ...[counts.map(({ instanceId }) => instanceId), counts.map(({ publishId }) => publishId)],
    ...[counts.map(({ platform }) => platform), counts.map(({ family }) => family)],
    ...[counts.map(({ outcome }) => outcome), counts.map(({ count }) => count)],
  ]);
}

async function writeDeferred(
  sql: Sql,
  deliveries: readonly (PublishKey & ReturnType<typeof tally>['deferred'][number])[],
): Promise<void> {
  if (deliveries.length === 0) return;
  // Of a device that two items are about, the later one counts.
  const last = new Map(deliveries.map((delivery) => [`${delivery.publishId} ${delivery.deviceNumber}`, delivery]));
  const rows = [...last].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, delivery]) => delivery);
  await sql.run(defer, [
    ...[rows.map(({ instanceId }) => instanceId), rows.map(({ publishId }) => publishId)],
    rows.map(({ deviceNumber }) => deviceNumber),
    rows.map(({ outcome }) => outcome.attempts),
    rows.map(({ outcome }) => outcome.retryInMs),
    rows.map(({ outcome }) => outcome.claimToken),
  ]);
}

/** Makes tombstones of devices that are gone, unless they have another address by now. */
async function bury(sql: Sql, gone: readonly (DeliveryRecord & Pick<PublishKey, 'instanceId'>)[]): Promise<void> {
  if (gone.length === 0) return;
  const dead = await sql.all<{ number: number; instance_id: string }>(lockWithAddress, [
    gone.map(({ deviceNumber }) => deviceNumber),
    gone.map(({ instanceId }) => instanceId),
    gone.map(({ address }) => address),
  ]);
  for (const { number, instance_id: instanceId } of dead) await tombstone(sql, instanceId, number, 'gateway');
}

async function writeStates(
  sql: Sql,
  states: readonly (PublishKey & { readonly userNumber: number; readonly state: number })[],
): Promise<void> {
  if (states.length === 0) return;
  const highest = new Map<string, (typeof states)[number]>();
  for (const row of states) {
    const key = `${row.publishId} ${row.userNumber}`;
    if (row.state > (highest.get(key)?.state ?? 0)) highest.set(key, row);
  }
  const rows = [...highest.values()];
  await sql.run(raiseUserStates, [
    ...[rows.map(({ instanceId }) => instanceId), rows.map(({ publishId }) => publishId)],
    ...[rows.map(({ userNumber }) => userNumber), rows.map(({ state }) => state)],
  ]);
}

import type {
  ClaimedDelivery,
  DeliveryRecord,
  PublishCommands,
  PublishKey,
  PublishTarget,
  Recorded,
} from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { sdkMetadata, toAudienceDevice } from '../rows/audience-row.ts';
import { dropUnclaimed } from './cancel.ts';
import type { Sql } from './database.ts';
import { finish, toColumns, whichFinished } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import { batch, each } from './handlers.ts';
import type { Settled } from './settle.ts';
import { settle } from './settle.ts';

// Canceled ones are left as they are; their publish is dropped after that.
const claimDue = `
  WITH due AS MATERIALIZED (
    SELECT instance_id, publish_id, device_number FROM deferred_deliveries
    WHERE due_at <= pharos_now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE deferred_deliveries f
    SET claim_token = CASE WHEN p.canceled_at IS NULL THEN gen_random_uuid() END,
        due_at = CASE WHEN p.canceled_at IS NULL THEN pharos_now() + $2 ELSE f.due_at END
    FROM due JOIN publishes p ON p.instance_id = due.instance_id AND p.id = due.publish_id
    WHERE f.instance_id = due.instance_id AND f.publish_id = due.publish_id AND f.device_number = due.device_number
    RETURNING f.instance_id, f.publish_id, f.device_number, f.attempts, f.first_attempt_at, f.claim_token
  )
  SELECT f.instance_id, f.publish_id, f.device_number, f.attempts, f.first_attempt_at, f.claim_token, d.platform,
    d.address, d.keys, d.bundle_identifier, d.registered_at, ${sdkMetadata}, d.user_number, d.gone_at
  FROM leased f JOIN devices d ON d.number = f.device_number`;
const listBodies = `
  SELECT p.id, p.body FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[])) AS k (instance_id, publish_id)
    JOIN publishes p ON p.instance_id = k.instance_id AND p.id = k.publish_id`;
const lockByKey = `
  SELECT k.n, f.claim_token, p.target_kind
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS k (instance_id, publish_id, device_number, n)
    JOIN deferred_deliveries f ON f.instance_id = k.instance_id AND f.publish_id = k.publish_id
      AND f.device_number = k.device_number
    JOIN publishes p ON p.instance_id = f.instance_id AND p.id = f.publish_id
  ORDER BY f.instance_id, f.publish_id, f.device_number FOR UPDATE OF f`;
const deleteByKey = `
  DELETE FROM deferred_deliveries f
  USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k (instance_id, publish_id, device_number)
  WHERE f.instance_id = k.instance_id AND f.publish_id = k.publish_id AND f.device_number = k.device_number`;

interface DueRow {
  instance_id: string;
  publish_id: string;
  device_number: number;
  attempts: number;
  first_attempt_at: number;
  /** Null when the publish was canceled. */
  claim_token: string | null;
  platform: Platform;
  address: string;
  keys: Uint8Array;
  bundle_identifier: string | null;
  registered_at: number;
  metadata: string;
  user_number: number | null;
  gone_at: number | null;
}

interface Completion extends PublishKey {
  readonly claimToken: string;
  readonly delivery: DeliveryRecord;
}

/** A deferred delivery as the items of a batch have left it so far. */
interface Deferred {
  readonly targetKind: PublishTarget['kind'];
  claimToken: string | null;
  isOver: boolean;
}

export const deliveryCommands: CommandHandlers<Pick<PublishCommands, 'claimDeliveries' | 'completeDeliveries'>> = {
  claimDeliveries: each(async (sql, { limit, leaseMs }) => {
    const rows = await sql.all<DueRow>(claimDue, [limit, leaseMs]);
    if (rows.length === 0) return [];
    const canceled = new Map(rows.filter((row) => row.claim_token === null).map((row) => [row.publish_id, keyOf(row)]));
    for (const publish of canceled.values()) await dropUnclaimed(sql, publish);
    // Read once per publish: the answer's deliveries share it.
    const bodies = await sql.all<{ id: string; body: Uint8Array }>(listBodies, toColumns(rows.map(keyOf)));
    const bodyOf = new Map(bodies.map(({ id, body }) => [id, body]));
    return rows.flatMap((row) => (row.claim_token === null ? [] : toClaimed(row, row.claim_token, bodyOf)));
  }),
  completeDeliveries: batch(completeDeliveries),
};

const keyOf = (row: DueRow): PublishKey => ({ instanceId: row.instance_id, publishId: row.publish_id });

function toClaimed(row: DueRow, claimToken: string, bodies: ReadonlyMap<string, Uint8Array>): ClaimedDelivery {
  const body = bodies.get(row.publish_id);
  if (!body) throw new Error(`a deferred delivery of publish ${row.publish_id} is left without it`);
  return {
    ...keyOf(row),
    claimToken,
    device: toAudienceDevice(row.device_number, row),
    deviceGone: row.gone_at !== null,
    attempts: row.attempts,
    firstAttemptAt: row.first_attempt_at,
    body,
  };
}

async function completeDeliveries(sql: Sql, items: readonly Completion[]): Promise<readonly Recorded[]> {
  const known = await lockDeliveries(sql, items);
  const settled: Settled[] = [];
  const steps = items.map((item) => complete(item, known.get(textOf(item)), settled));
  await settle(sql, settled);
  const withStep = (step: Step) => items.filter((_, index) => steps[index] === step);
  const ended = withStep('ended');
  if (ended.length > 0) await sql.run(deleteByKey, toKeyColumns(ended));
  const finished = [...(await finish(sql, ended)), ...(await whichFinished(sql, withStep('was-ended')))].map(
    ({ publishId }) => publishId,
  );
  return steps.map((step, index) =>
    step === 'stale'
      ? { kind: 'stale' }
      : { kind: 'recorded', finished: step !== 'deferred' && finished.includes(items[index]?.publishId ?? '') },
  );
}

type Step = 'stale' | 'deferred' | 'ended' | 'was-ended';

function complete(item: Completion, deferred: Deferred | undefined, settled: Settled[]): Step {
  const { instanceId, publishId, claimToken, delivery } = item;
  if (!deferred || deferred.isOver) return 'was-ended';
  if (deferred.claimToken !== claimToken) return 'stale';
  settled.push({ instanceId, publishId, targetKind: deferred.targetKind, deliveries: [delivery] });
  if (delivery.outcome.kind === 'deferred') {
    deferred.claimToken = delivery.outcome.claimToken;
    return 'deferred';
  }
  deferred.isOver = true;
  return 'ended';
}

async function lockDeliveries(sql: Sql, items: readonly Completion[]): Promise<ReadonlyMap<string, Deferred>> {
  const keys = [...new Map(items.map((item) => [textOf(item), item])).values()];
  const rows = await sql.all<{ n: number; claim_token: string | null; target_kind: PublishTarget['kind'] }>(
    lockByKey,
    toKeyColumns(keys),
  );
  return new Map(
    rows.map(({ n, claim_token: claimToken, target_kind: targetKind }) => [
      textOf(keys[n - 1] as Completion),
      { targetKind, claimToken, isOver: false },
    ]),
  );
}

const textOf = ({ instanceId, publishId, delivery }: Completion): string =>
  `${instanceId} ${publishId} ${delivery.deviceNumber}`;

const toKeyColumns = (items: readonly Completion[]) => [
  ...toColumns(items),
  items.map(({ delivery }) => delivery.deviceNumber),
];

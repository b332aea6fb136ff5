import type { ClaimedMessage, MessageTarget } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { AboutRow, MessageRow } from '../rows/message-row.ts';
import { toDetails, toDevice, toUser } from '../rows/message-row.ts';

/** The columns of a claimed message, as a statement answers them in an array. */
export type ClaimedRow = readonly [
  row: number,
  id: string,
  eventType: MessageRow['event_type'],
  eventId: string,
  eventAt: number,
  publishId: string | null,
  attempts: number,
  earlierAttempts: number,
  batchId: string | null,
  claimToken: string | null,
  userNumber: number | null,
  user: string | null,
  action: string | null,
  details: string | null,
  platform: AboutRow['platform'],
  deviceId: string | null,
];

/** Of `ClaimedRow`. */
export const claimedColumns = `m.rowid, m.id, m.event_type, m.event_id, m.event_at, m.publish_id, m.attempts, m.earlier_attempts,
  m.batch_id, m.claim_token, m.user_number, u.name, m.action, m.details, d.platform, d.id`;

/**
 * Messages of a target that were claimed under one token, on their way to the main thread: an object for each, with all its
 * names, would cost both threads more than the claim.
 */
export interface PackedMessages extends MessageTarget {
  readonly claimToken: string;
  /** Null: each is sent alone. */
  readonly batchId: string | null;
  readonly rows: readonly ClaimedRow[];
}

type Shared = Pick<ClaimedMessage, 'instanceId' | 'target' | 'webhookId' | 'claimToken' | 'batchId'>;

export const unpackMessages = (packed: readonly PackedMessages[]): readonly ClaimedMessage[] =>
  packed.flatMap(({ instanceId, target, claimToken, batchId, rows }) => {
    const shared = { instanceId, target, webhookId: webhookIdOf(target), claimToken, batchId };
    return rows.map((row) => unpackRow(shared, row));
  });

// One literal: with what is spread into it, it would cost twice as much.
const unpackRow = (shared: Shared, row: ClaimedRow): ClaimedMessage => ({
  instanceId: shared.instanceId,
  target: shared.target,
  webhookId: shared.webhookId,
  claimToken: shared.claimToken,
  batchId: shared.batchId,
  messageId: row[1],
  eventType: row[2],
  eventId: row[3],
  eventAt: row[4],
  publishId: row[5],
  attempts: row[6],
  earlierAttempts: row[7],
  user: toUser(row[10], row[11]),
  action: row[12],
  details: toDetails(row[13]),
  device: toDevice(row[14], row[15]),
});

import type { ClaimedMessage, DropReason, MessageState } from '../../core/ports/message-store.ts';
import { webhookIdOf } from '../../core/ports/message-store.ts';
import type { Platform } from '../../protocol/ids.ts';

export interface MessageRow {
  instance_id: string;
  id: string;
  target: string;
  event_type: ClaimedMessage['eventType'];
  event_id: string;
  event_at: number;
  publish_id: string | null;
  state: MessageState;
  drop_reason: DropReason | null;
  attempts: number;
  earlier_attempts: number;
  due_at: number | null;
  claim_token: string | null;
  batch_id: string | null;
  /** See `filesOf`. */
  left_batches: string | null;
}

export const toMessage = (row: MessageRow) => ({
  instanceId: row.instance_id,
  messageId: row.id,
  target: row.target,
  webhookId: webhookIdOf(row.target),
  eventType: row.event_type,
  eventId: row.event_id,
  eventAt: row.event_at,
  publishId: row.publish_id,
  attempts: row.attempts,
  earlierAttempts: row.earlier_attempts,
  batchId: row.batch_id,
});

/** Whom a message is about: columns of the tables that its numbers point at. */
export interface AboutRow {
  user_number: number | null;
  user: string | null;
  action: string | null;
  details: string | null;
  platform: Platform | null;
  device_id: string | null;
}

export const aboutColumns = 'm.user_number, m.action, m.details, u.name AS user, d.platform, d.id AS device_id';
export const aboutJoins =
  'LEFT JOIN users u ON u.number = m.user_number LEFT JOIN devices d ON d.number = m.device_number';

export const toAbout = (row: AboutRow): Pick<ClaimedMessage, 'user' | 'device' | 'action' | 'details'> => ({
  user: toUser(row.user_number, row.user),
  device: toDevice(row.platform, row.device_id),
  action: row.action,
  details: toDetails(row.details),
});

export const toUser = (number: number | null, name: string | null): ClaimedMessage['user'] =>
  number === null ? null : name === null ? 'erased' : { name };

export const toDevice = (platform: Platform | null, deviceId: string | null): ClaimedMessage['device'] =>
  platform && deviceId ? { platform, deviceId } : null;

export const toDetails = (details: string | null): ClaimedMessage['details'] =>
  details === null ? null : (JSON.parse(details) as ClaimedMessage['details']);

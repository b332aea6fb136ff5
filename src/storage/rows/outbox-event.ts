import type { DisabledWebhook, EventReference, ExpiringCredentials } from '../../core/ports/message-store.ts';
import type { EventType, PublishWebhookType } from '../../protocol/event-types.ts';

/** Something that happened, before its messages are written. */
export interface OutboxEvent {
  readonly instanceId: string;
  /** Null: it is about none. */
  readonly publishId: string | null;
  readonly type: EventType | PublishWebhookType;
  readonly id: string;
  readonly at: number;
  /** Who the event is about; null for events about the whole publish. */
  readonly userNumber: number | null;
  readonly deviceNumber: number | null;
  /** Of a click; null for other events. */
  readonly action: string | null;
  readonly details: EventReference['details'];
}

/** What the operator is told of, by the type of the event. */
export interface OperatorEvents {
  readonly 'v1.WebhookDisabled': DisabledWebhook;
  readonly 'v1.CredentialsExpiring': ExpiringCredentials;
}

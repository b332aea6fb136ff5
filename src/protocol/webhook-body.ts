import type { EventType } from './event-types.ts';
import type { JsonObject } from './json.ts';

/** Body of an instance webhook (Beams' envelope). `event_id` stays the same on every retry. */
export interface WebhookBody {
  readonly payload: PublishToUsersAttempt | UserNotification;
  readonly metadata: {
    /** UTC, like `2019-03-11T10:42:16+0000` */
    readonly created_at: string;
    readonly event_type: EventType;
    /** UUID */
    readonly event_id: string;
    readonly product: 'beams';
  };
  readonly custom_data: JsonObject;
}

/** Payload of `v1.PublishToUsersAttempt`: every published user stands in exactly one list. */
export interface PublishToUsersAttempt {
  readonly instance_id: string;
  /** `pubid-<uuid>` */
  readonly publish_id: string;
  readonly users_delivered_to_gateway: readonly string[];
  readonly users_no_devices: readonly string[];
  readonly users_gateway_failed: readonly string[];
}

/** Payload of `v1.UserNotificationAcknowledgement` and `v1.UserNotificationOpen`. */
export interface UserNotification {
  readonly instance_id: string;
  /** `pubid-<uuid>` */
  readonly publish_id: string;
  readonly user_id: string;
}

/** Body sent to the `webhookUrl` of a publish (Beams' publish webhooks). */
export type PublishWebhookBody =
  | { readonly publishId: string; readonly status: 'STARTED'; readonly requestBody: JsonObject }
  | {
      readonly publishId: string;
      readonly status: 'FINISHED';
      readonly requestBody: JsonObject;
      /** One key per platform that was published to. */
      readonly results: Partial<Record<'apns' | 'fcm' | 'web', PlatformResult>>;
    };

export type PlatformResult =
  | { readonly numSuccessfulPublishes: number; readonly numFailedPublishes: number }
  | { readonly failed: true };

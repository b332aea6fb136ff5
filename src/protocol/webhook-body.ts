import type { EventType } from './event-types.ts';
import type { JsonObject } from './json.ts';
import type { ClassicEvent } from './push-payload.ts';

/** What an instance webhook gets: Beams' envelope, the bodies of OneSignal's classic webhooks, or those of Standard Webhooks. */
export const webhookFormats = ['beams', 'classic', 'standard'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

/** How requests are signed: `Webhook-Signature` holds Beams' hex HMAC-SHA1, or the list of Standard Webhooks. */
export const webhookSignings = ['beams', 'standard'] as const;
export type WebhookSigning = (typeof webhookSignings)[number];

/** When a message is tried again: four times within eight minutes as Beams does, or for days as Standard Webhooks advises. */
export const webhookRetryPolicies = ['beams', 'standard'] as const;
export type WebhookRetryPolicy = (typeof webhookRetryPolicies)[number];

/** Body of an instance webhook (Beams' envelope). `event_id` stays the same on every retry. */
export interface WebhookBody {
  readonly payload: EventPayloads[EventType];
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

/** Body of an instance webhook with the format `standard`: what Standard Webhooks asks for, and nothing else. */
export interface StandardWebhookBody {
  readonly type: EventType;
  /** When the event happened, like `2019-03-11T10:42:16.000Z`. */
  readonly timestamp: string;
  readonly data: WebhookBody['payload'];
}

/** What each event tells. */
export interface EventPayloads {
  readonly 'v1.PublishToUsersAttempt': PublishToUsersAttempt;
  readonly 'v1.UserNotificationAcknowledgement': UserNotification;
  readonly 'v1.UserNotificationOpen': UserNotification;
  readonly 'v1.NotificationDisplayed': NotificationEvent;
  readonly 'v1.NotificationClicked': NotificationEvent;
  readonly 'v1.NotificationDismissed': NotificationEvent;
  readonly 'v1.WebhookDisabled': WebhookDisabled;
  readonly 'v1.CredentialsExpiring': CredentialsExpiring;
}

/** Why Pharos itself disabled a webhook: it answered 410, or it has done nothing but fail for days. */
export type DisabledReason = 'gone-410' | 'failing';

/** Payload of `v1.WebhookDisabled`, which the instance's other webhooks get. */
export interface WebhookDisabled {
  readonly instance_id: string;
  /** The webhook that nothing is sent to any more. */
  readonly webhook_id: string;
  readonly reason: DisabledReason;
  /** Of the first failure after its last success; UTC, like `2019-03-11T10:42:16.000Z`. */
  readonly since: string;
}

/** Payload of `v1.CredentialsExpiring`: once for credentials of a push service, 30 days before they expire. */
export interface CredentialsExpiring {
  readonly instance_id: string;
  readonly platform: 'fcm' | 'apns';
  /** As the admin API shows it: SHA-256 of what is secret in them, as lower-case hex. */
  readonly fingerprint: string;
  /** UTC, like `2019-03-11T10:42:16.000Z`. */
  readonly expires_at: string;
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

/** Payload of `v1.NotificationDisplayed`, `v1.NotificationClicked` and `v1.NotificationDismissed`. */
export interface NotificationEvent {
  readonly instance_id: string;
  /** `pubid-<uuid>` */
  readonly publish_id: string;
  /** `web-<uuid>` */
  readonly device_id: string;
  /** Left out for a device that belongs to nobody; a claimed external id is no user. */
  readonly user_id?: string;
  /** Clicks only: the id of the button, or empty for the notification's body. */
  readonly action?: string;
  /** The notification's launch URL, or that of the button that was clicked; left out when there is none. */
  readonly url?: string;
}

/** Body of OneSignal's classic webhooks. What was not given when the notification was sent is left out. */
export interface ClassicWebhookBody {
  readonly event: ClassicEvent;
  /** UUID of the publish. */
  readonly id: string;
  /** UUID of the device; null when it is not known any more. */
  readonly userId: string | null;
  readonly heading?: string;
  readonly content?: string;
  /** The notification's launch URL, also when a button was clicked. */
  readonly url?: string;
  readonly icon?: string;
  readonly data?: JsonObject;
  /** Clicks only: the id of the button, or empty for the notification's body. */
  readonly action?: string;
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

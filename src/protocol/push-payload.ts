import type { JsonObject } from './json.ts';

/**
 * The JSON inside an encrypted web push, read by the service worker.
 * Source: Beams' official worker, which dereferences `notification` unguarded, ignores a push without `data.pusher` and
 * reports only when both ids are there; so both objects are always sent.
 */
export interface PushPayload {
  readonly notification: WebNotification;
  readonly data: JsonObject & { readonly pusher: PusherMetadata };
}

/** `data.pusher` of every push. */
export interface PusherMetadata {
  readonly instanceId: string;
  /** `pubid-<uuid>` */
  readonly publishId: string;
  readonly hasDisplayableContent: boolean;
  readonly hasData: boolean;
  /** Classic events that the server sends itself, so that the browser must not; absent: what the page was told last. */
  readonly relayedEvents?: readonly ClassicEvent[];
}

/** Events of OneSignal's classic webhooks, as their bodies name them. */
export const classicEvents = ['notification.displayed', 'notification.clicked', 'notification.dismissed'] as const;
export type ClassicEvent = (typeof classicEvents)[number];

/** What the visitor sees; every field is optional on Beams' wire. */
export interface WebNotification {
  readonly title?: string;
  readonly body?: string;
  readonly icon?: string;
  /** Where a click on the body leads: the launch URL. */
  readonly deep_link?: string;
  readonly hide_notification_if_site_has_focus?: boolean;
  // Ours, for both wires; Beams' worker ignores them.
  readonly image?: string;
  readonly badge?: string;
  readonly buttons?: readonly NotificationButton[];
  /** A newer notification with the same tag takes the place of the older one. */
  readonly tag?: string;
  /** With a tag: alert again when it takes that place. */
  readonly renotify?: boolean;
  readonly require_interaction?: boolean;
}

/** A button below the notification; browsers show two. */
export interface NotificationButton {
  readonly id: string;
  readonly text: string;
  readonly icon?: string;
  /** Absent: the notification's own link. */
  readonly url?: string;
}

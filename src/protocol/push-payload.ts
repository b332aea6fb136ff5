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
}

/** What the visitor sees; every field is optional on Beams' wire. */
export interface WebNotification {
  readonly title?: string;
  readonly body?: string;
  readonly icon?: string;
  readonly deep_link?: string;
  readonly hide_notification_if_site_has_focus?: boolean;
}

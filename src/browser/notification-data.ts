import type { JsonObject } from '../protocol/json.ts';
import type { PusherMetadata, WebNotification } from '../protocol/push-payload.ts';

/** A push as it was published, without `data.pusher`. */
export interface CustomerPayload {
  readonly notification: WebNotification;
  readonly data: JsonObject;
}

/** What our notifications carry to their click: the same shape as Beams' worker, so that either script reads the other's. */
export interface NotificationData {
  readonly pusher?: { readonly customerPayload: CustomerPayload; readonly pusherMetadata: PusherMetadata };
  /** As in `NotificationRecord`. */
  readonly showing?: string;
}

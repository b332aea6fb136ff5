import type { JsonObject } from '../protocol/json.ts';
import type { WebNotification } from '../protocol/push-payload.ts';
import type { DeviceState } from './device-state.ts';

/** What a site's hook sees: the push as it was published, without `data.pusher`. */
export interface CustomerPayload {
  readonly notification: WebNotification;
  readonly data: JsonObject;
}

/** Argument of `onNotificationReceived`. */
export interface ReceivedNotification {
  readonly payload: CustomerPayload;
  readonly pushEvent: PushEvent;
  /** Shows the notification. The site calls it inside `pushEvent.waitUntil`, with the payload changed or not. */
  readonly handleNotification: (payload: CustomerPayload) => Promise<void>;
  readonly statePromise: Promise<DeviceState | undefined>;
}

interface Beams {
  /** Origin that reports are sent to; without it, the origin that this script came from. */
  endpointOverride: string | null;
  onNotificationReceived: ((received: ReceivedNotification) => unknown) | null;
}

/** The global `PusherPushNotifications`: a site may set both fields at any time after `importScripts`. */
export const beams: Beams = { endpointOverride: null, onNotificationReceived: null };

import type { CustomerPayload } from '../browser/notification-data.ts';
import type { DeviceState } from './device-state.ts';

/** Argument of `onNotificationReceived`. */
export interface ReceivedNotification {
  readonly payload: CustomerPayload;
  readonly pushEvent: PushEvent;
  /** Shows the notification. The site calls it inside `pushEvent.waitUntil`, with the payload changed or not. */
  readonly handleNotification: (payload: CustomerPayload) => Promise<void>;
  readonly statePromise: Promise<DeviceState | undefined>;
}

interface Beams {
  /** Origin that reports are sent to; without it, the one that the page named, else the one that this script came from. */
  endpointOverride: string | null;
  onNotificationReceived: ((received: ReceivedNotification) => unknown) | null;
}

/** The global `PusherPushNotifications`: a site may set both fields at any time after `importScripts`. */
export const beams: Beams = { endpointOverride: null, onNotificationReceived: null };

import type { CustomerPayload } from '../browser/notification-data.ts';
import type { PusherMetadata } from '../protocol/push-payload.ts';
import type { DeviceState } from './device-state.ts';

/** Something that happened to a notification, and all that is needed to tell it. */
export interface Occurrence {
  readonly kind: 'displayed' | 'clicked' | 'dismissed';
  readonly payload: CustomerPayload;
  readonly metadata: PusherMetadata;
  /** Undefined when it could not be read. */
  readonly state: DeviceState | undefined;
  /** Of a click: `""` for the body, else the id of the button. */
  readonly action?: string;
  /** Of a click: what it opened. */
  readonly openedUrl?: string | undefined;
}

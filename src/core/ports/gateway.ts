import type { JsonObject } from '../../protocol/json.ts';
import type { ClassicEvent, WebNotification } from '../../protocol/push-payload.ts';
import type { DeviceAddress } from './device-store.ts';

/** What one attempt to hand a push to a push service came to. */
export type DeliveryOutcome =
  | { readonly kind: 'accepted' }
  /** The service says that the device does not exist any more. */
  | { readonly kind: 'gone'; readonly reason: string }
  /** The service asks to slow down (429), with its `Retry-After` if it gave one. */
  | { readonly kind: 'throttled'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Nobody's fault for now: 5xx, connection errors, deadlines, or no room left in the origin's window. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Would fail again: the operator must mend something. The device is kept. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** The part of a publish that goes to browsers. */
export interface WebContent {
  readonly timeToLiveSeconds: number;
  readonly notification: WebNotification;
  readonly data: JsonObject;
  /** RFC 8030, section 5.3; `normal` if absent. */
  readonly urgency?: 'very-low' | 'low' | 'normal' | 'high';
  /** At most 32 URL-safe base64 characters (RFC 8030, section 5.4): replaces what waits under the same topic. */
  readonly topic?: string;
}

/** One publish to some devices of one platform. */
export interface GatewayBatch<Content> {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  /** What the tokens that identify the instance to push services are signed with. */
  readonly vapid: VapidKeys;
  readonly content: Content;
  /** Classic events that the server sends itself: browsers are told not to. */
  readonly relayedEvents: readonly ClassicEvent[];
  /** What is left of the time to live. */
  readonly timeToLiveSeconds: number;
  readonly devices: readonly DeviceAddress[];
}

/** Key pair of an instance (RFC 8292). */
export interface VapidKeys {
  /** Uncompressed P-256 point, 65 bytes. */
  readonly publicKey: Uint8Array;
  /** PKCS #8 DER. */
  readonly privateKey: Uint8Array;
}

export interface Gateway<Content> {
  /** One promise per device, in order; none rejects. Bounded in time by the gateway's own deadline. */
  deliver(batch: GatewayBatch<Content>): readonly Promise<DeliveryOutcome>[];
  /** Ends idle connections after what is in flight has been answered. */
  close(): Promise<void>;
}

export interface Gateways {
  readonly web: Gateway<WebContent>;
}

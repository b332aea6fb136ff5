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
  | { readonly kind: 'rejected'; readonly reason: string }
  /**
   * The instance has no credentials for the platform, or the service refuses them: nothing can be sent to any device of
   * the platform. Without `retryAfterMs`, waiting does not help.
   */
  | { readonly kind: 'unauthorized'; readonly reason: string; readonly retryAfterMs: number | null };

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

/** The part of a publish that goes to Android apps. */
export interface FcmContent {
  readonly timeToLiveSeconds: number;
  /** A `Message` of FCM's HTTP v1 API, without a target and without what Pharos adds for each publish. */
  readonly message: JsonObject;
  /** What a tap on the notification was to do; the app's SDK gets it in `data.pusher`. */
  readonly clickAction?: string;
  readonly hasDisplayableContent: boolean;
  readonly hasData: boolean;
}

/** The part of a publish that goes to Apple's devices. */
export interface ApnsContent {
  readonly timeToLiveSeconds: number;
  /** When that ends (seconds since 1970), if the publish said so: what Apple is told. */
  readonly expiresAtSeconds?: number;
  /** As published, without what became a header and without what Pharos adds for each publish. */
  readonly payload: JsonObject;
  readonly collapseId?: string;
  readonly priority?: 5 | 10;
  /** The app's SDK is woken to report the delivery. */
  readonly tracksDelivery: boolean;
}

/** A device as gateways see it. */
export interface GatewayDevice extends DeviceAddress {
  /** Of the app on the phone, if it said so. */
  readonly bundleIdentifier: string | null;
  /** When the device registered last: older news about its address are not about this registration. */
  readonly registeredAt: number;
}

/** One publish to some devices of one platform. */
export interface GatewayBatch<Content, Sender> {
  readonly instanceId: string;
  /** UUID v7. */
  readonly publishId: string;
  /** As what the instance sends. */
  readonly sender: Sender;
  readonly content: Content;
  /** What is left of the time to live. */
  readonly timeToLiveSeconds: number;
  readonly devices: readonly GatewayDevice[];
}

export interface WebSender {
  /** What the tokens that identify the instance to push services are signed with. */
  readonly vapid: VapidKeys;
  /** Classic events that the server sends itself: browsers are told not to. */
  readonly relayedEvents: readonly ClassicEvent[];
}

/** A service account of a Firebase project; of its key file, what is used. */
export interface FcmCredentials {
  readonly projectId: string;
  readonly clientEmail: string;
  /** PKCS #8 PEM. */
  readonly privateKey: string;
  readonly privateKeyId: string | null;
}

/** What identifies an instance to Apple; `environment` is where all its devices are. */
export type ApnsCredentials = {
  readonly environment: 'production' | 'sandbox';
  /** For devices that did not say which app they are; null: these cannot be reached. */
  readonly bundleIdentifier: string | null;
} & (
  | {
      readonly kind: 'token';
      readonly keyId: string;
      readonly teamId: string;
      /** PKCS #8 PEM: the contents of the `.p8` file. */
      readonly privateKey: string;
    }
  | {
      readonly kind: 'certificate';
      /** PEM, leaf first. */
      readonly certificate: string;
      /** PKCS #8 PEM. */
      readonly privateKey: string;
    }
);

/** Key pair of an instance (RFC 8292). */
export interface VapidKeys {
  /** Uncompressed P-256 point, 65 bytes. */
  readonly publicKey: Uint8Array;
  /** PKCS #8 DER. */
  readonly privateKey: Uint8Array;
}

export interface Gateway<Content, Sender> {
  /** One promise per device, in order; none rejects. Bounded in time by the gateway's own deadline. */
  deliver(batch: GatewayBatch<Content, Sender>): readonly Promise<DeliveryOutcome>[];
  /** Ends idle connections after what is in flight has been answered. */
  close(): Promise<void>;
}

/** Asks a service whether it takes credentials, without reaching a device. */
export type CheckCredentials<Sender> = (sender: Sender) => Promise<
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The service did not answer, or not to the point. */
  | { readonly kind: 'unknown'; readonly reason: string }
>;

/** A gateway whose credentials the operator gets from the service. */
export interface PhoneGateway<Content, Sender> extends Gateway<Content, Sender> {
  readonly check: CheckCredentials<Sender>;
}

export interface Gateways {
  readonly web: Gateway<WebContent, WebSender>;
  readonly fcm: PhoneGateway<FcmContent, FcmCredentials>;
  readonly apns: PhoneGateway<ApnsContent, ApnsCredentials>;
}

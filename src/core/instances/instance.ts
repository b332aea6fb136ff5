import type { EventType } from '../../protocol/event-types.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ClassicEvent } from '../../protocol/push-payload.ts';
import type { DisabledReason, WebhookFormat } from '../../protocol/webhook-body.ts';
import type { ApnsCredentials, FcmCredentials, VapidKeys } from '../ports/gateway.ts';
import type { WebhookOptions } from '../ports/instance-store.ts';

/** A tenant with its secrets opened; held in memory only. */
export interface Instance {
  /** Lower-case UUID. */
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  /** Authenticates the instance's servers and signs its user tokens. */
  readonly secretKey: string;
  /** Works beside it until `endsAt`: servers change keys one after another. */
  readonly previousSecretKey: { readonly key: string; readonly endsAt: number } | null;
  readonly vapid: VapidKeys;
  /** Origins whose pages may call the device and reporting APIs; null: any. */
  readonly allowedOrigins: readonly string[] | null;
  /** Its servers may read its events from a feed. */
  readonly feed: boolean;
}

/** A webhook with its secrets opened; held in memory only. */
export interface Webhook {
  readonly instanceId: string;
  /** UUID. */
  readonly id: string;
  /** May hold credentials: never log it. */
  readonly url: string;
  readonly format: WebhookFormat;
  readonly events: readonly EventType[];
  readonly options: WebhookOptions;
  /** With the signing `standard`: `whsec_` and base64. */
  readonly secret: string;
  /** Counts beside it until `endsAt`: receivers change secrets in their own time. */
  readonly previousSecret: { readonly secret: string; readonly endsAt: number } | null;
  /** Ed25519, PKCS #8 DER; null until the signing is `standard` for the first time. */
  readonly signingKey: Uint8Array | null;
  /** Added to each request. May hold credentials: never log them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly customData: JsonObject;
  readonly createdAt: number;
  readonly disabledAt: number | null;
  /** Null when it is not disabled, or an operator did it. */
  readonly disabledReason: DisabledReason | null;
}

/** What checks the Ed25519 signatures of a webhook; everybody may know it. */
export interface WebhookPublicKey {
  readonly webhookId: string;
  /** `whpk_` and base64. */
  readonly publicKey: string;
}

/** Read side of the instances, answered from memory once read. */
export interface InstanceDirectory {
  findInstance(id: string): Promise<Instance | null>;
  /** One that is in memory: what most requests need, without waiting. Null: only `findInstance` can tell. */
  peekInstance(id: string): Instance | null;
  findWebhook(instanceId: string, webhookId: string): Promise<Webhook | null>;
  /** Null: the operator has set none. */
  findFcmCredentials(instanceId: string): Promise<FcmCredentials | null>;
  findApnsCredentials(instanceId: string): Promise<ApnsCredentials | null>;
  /** Public keys of the instance's webhooks whose signing is `standard`. */
  listWebhookKeys(instanceId: string): Promise<readonly WebhookPublicKey[]>;
  /** Classic events that some enabled webhook of the instance gets, so that browsers must not send them. */
  listRelayedEvents(instanceId: string): Promise<readonly ClassicEvent[]>;
}

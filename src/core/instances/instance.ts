import type { EventType } from '../../protocol/event-types.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ClassicEvent } from '../../protocol/push-payload.ts';
import type { WebhookFormat } from '../../protocol/webhook-body.ts';
import type { VapidKeys } from '../ports/gateway.ts';

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
  readonly secret: string;
  readonly customData: JsonObject;
  readonly createdAt: number;
  readonly disabledAt: number | null;
}

/** Read side of the instances, answered from memory once read. */
export interface InstanceDirectory {
  findInstance(id: string): Promise<Instance | null>;
  findWebhook(instanceId: string, webhookId: string): Promise<Webhook | null>;
  /** Classic events that some enabled webhook of the instance gets, so that browsers must not send them. */
  listRelayedEvents(instanceId: string): Promise<readonly ClassicEvent[]>;
}

import type { EventType } from '../../protocol/event-types.ts';
import type { DisabledReason, WebhookFormat, WebhookRetryPolicy, WebhookSigning } from '../../protocol/webhook-body.ts';
import type { Command } from './command.ts';

/** Sealed bytes: a `Sealer` opens them. */
export type Sealed = Uint8Array;

/** A tenant as stored. */
export interface InstanceRecord {
  /** Lower-case UUID v4. */
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly secretKey: Sealed;
  /** Works beside the present one until `endsAt`; null when the last change of keys is over. */
  readonly previousSecretKey: { readonly key: Sealed; readonly endsAt: number } | null;
  /** Uncompressed P-256 point, 65 bytes. */
  readonly vapidPublicKey: Uint8Array;
  /** PKCS #8 DER. */
  readonly vapidPrivateKey: Sealed;
  /** Origins whose pages may call the device and reporting APIs; null: any. */
  readonly allowedOrigins: readonly string[] | null;
  /** Its events can be read in the order of their commits; what happens while this is off cannot. */
  readonly feed: boolean;
}

/** How a webhook's messages are chosen, signed and sent. */
export interface WebhookOptions {
  readonly signing: WebhookSigning;
  readonly retryPolicy: WebhookRetryPolicy;
  /** Most requests in flight at once. */
  readonly maxInFlight: number;
  /** Most requests begun in a second; null: as many as can be. */
  readonly maxPerSecond: number | null;
  /** Events that fit all that is named; those that have no interest or no user do not fit a filter by it. */
  readonly filter: WebhookFilter;
  /** Null: each event in a request of its own. */
  readonly batch: WebhookBatch | null;
}

export interface WebhookFilter {
  /** Of publishes to at least one of these. */
  readonly interests?: readonly string[];
  /** About users whose names begin with this. */
  readonly userPrefix?: string;
}

export interface WebhookBatch {
  readonly maxEvents: number;
  /** How long the first event waits for others. */
  readonly maxWaitMs: number;
}

/** A webhook as stored. */
export interface WebhookRecord {
  readonly instanceId: string;
  readonly id: string;
  /** May hold credentials, hence sealed. */
  readonly url: Sealed;
  readonly format: WebhookFormat;
  readonly events: readonly EventType[];
  readonly options: WebhookOptions;
  readonly secret: Sealed;
  /** Null when the last change of secrets is over. */
  readonly previousSecret: { readonly secret: Sealed; readonly endsAt: number } | null;
  /** Ed25519 private key as PKCS #8 DER; null until the webhook's signing is `standard` for the first time. */
  readonly signingKey: Sealed | null;
  /** JSON text of the custom headers; null: none. They may hold credentials, hence sealed. */
  readonly headers: Sealed | null;
  /** JSON text of an object. */
  readonly customData: string;
  readonly createdAt: number;
  /** Nothing is sent while this is set; what happens meanwhile is held. */
  readonly disabledAt: number | null;
  /** Null when it is not disabled, or an operator did it. */
  readonly disabledReason: DisabledReason | null;
}

export interface WebhookKey {
  readonly instanceId: string;
  readonly id: string;
}

/** A step of dropping what a webhook that was deleted has left: what waits, and what is held. */
export interface DropMessages extends WebhookKey {
  /** Messages that are looked at, at most. */
  readonly limit: number;
  /** Where the step before ended; null: this is the first one. */
  readonly after: string | null;
}

export interface InstanceCommands {
  readonly createInstances: Command<InstanceRecord, 'created' | 'exists'>;
  /** Replaces name and allowed origins, and turns the feed on or off. */
  readonly updateInstances: Command<
    Pick<InstanceRecord, 'id' | 'name' | 'allowedOrigins' | 'feed'>,
    'updated' | 'unknown-instance'
  >;
  /** Replaces both keys if the present one is still `expected` (byte for byte); else `changed`, and nothing is written. */
  readonly replaceSecretKeys: Command<
    Pick<InstanceRecord, 'id' | 'secretKey' | 'previousSecretKey'> & { readonly expected: Sealed },
    'replaced' | 'changed' | 'unknown-instance'
  >;
  readonly createWebhooks: Command<WebhookRecord, 'created' | 'unknown-instance'>;
  /**
   * Replaces everything but ids, format and creation time if the secret is still `expected` (byte for byte: sealing anew
   * changes it); else `changed`, and nothing is written. What was wrong with it before does not count any more.
   */
  readonly updateWebhooks: Command<
    Omit<WebhookRecord, 'format' | 'createdAt'> & { readonly expected: Sealed },
    'updated' | 'changed' | 'unknown-webhook'
  >;
  /** Its messages are left for `dropMessages`. */
  readonly deleteWebhooks: Command<WebhookKey, 'deleted' | 'unknown-webhook'>;
  /** `more`: take another step, from `after`. Does nothing while there is the webhook. */
  readonly dropMessages: Command<DropMessages, { readonly more: boolean; readonly after: string | null }>;
}

export interface InstanceQueries {
  findInstance(id: string): Promise<InstanceRecord | null>;
  /** By creation time, oldest first; those behind the instance `after` (null: from the oldest on), at most `limit`. */
  listInstances(page: { readonly after: string | null; readonly limit: number }): Promise<readonly InstanceRecord[]>;
  findWebhook(instanceId: string, id: string): Promise<WebhookRecord | null>;
  /** By creation time, oldest first. */
  listWebhooks(instanceId: string): Promise<readonly WebhookRecord[]>;
  /** Webhooks that were deleted, and whose messages may not all be dropped yet. */
  listDeletedWebhooks(): Promise<readonly WebhookKey[]>;
}

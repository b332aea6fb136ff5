import type { EventType } from '../../protocol/event-types.ts';
import type { WebhookFormat } from '../../protocol/webhook-body.ts';
import type { Command } from './command.ts';

/** Bytes sealed by `core/secrets`; the store never sees what is inside. */
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
}

/** A webhook as stored. */
export interface WebhookRecord {
  readonly instanceId: string;
  readonly id: string;
  /** May hold credentials, hence sealed. */
  readonly url: Sealed;
  readonly format: WebhookFormat;
  readonly events: readonly EventType[];
  readonly secret: Sealed;
  /** JSON text of an object. */
  readonly customData: string;
  readonly createdAt: number;
  /** Nothing is sent while this is set. */
  readonly disabledAt: number | null;
}

export interface InstanceCommands {
  readonly createInstances: Command<InstanceRecord, 'created' | 'exists'>;
  /** Replaces name and allowed origins. */
  readonly updateInstances: Command<
    Pick<InstanceRecord, 'id' | 'name' | 'allowedOrigins'>,
    'updated' | 'unknown-instance'
  >;
  /** Replaces both keys if the present one is still `expected` (byte for byte); else `changed`, and nothing is written. */
  readonly replaceSecretKeys: Command<
    Pick<InstanceRecord, 'id' | 'secretKey' | 'previousSecretKey'> & { readonly expected: Sealed },
    'replaced' | 'changed' | 'unknown-instance'
  >;
  readonly createWebhooks: Command<WebhookRecord, 'created' | 'unknown-instance'>;
  /** Replaces everything but ids, format and creation time. */
  readonly updateWebhooks: Command<Omit<WebhookRecord, 'format' | 'createdAt'>, 'updated' | 'unknown-webhook'>;
  /** Drops its waiting messages too. */
  readonly deleteWebhooks: Command<{ readonly instanceId: string; readonly id: string }, 'deleted' | 'unknown-webhook'>;
}

export interface InstanceQueries {
  findInstance(id: string): Promise<InstanceRecord | null>;
  /** By creation time, oldest first. */
  listInstances(): Promise<readonly InstanceRecord[]>;
  findWebhook(instanceId: string, id: string): Promise<WebhookRecord | null>;
  /** By creation time, oldest first. */
  listWebhooks(instanceId: string): Promise<readonly WebhookRecord[]>;
}

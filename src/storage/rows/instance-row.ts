import type { InstanceRecord, WebhookOptions, WebhookRecord } from '../../core/ports/instance-store.ts';
import type { EventType } from '../../protocol/event-types.ts';
import type { WebhookFormat } from '../../protocol/webhook-body.ts';

/** Of instances. */
export interface InstanceRow {
  id: string;
  name: string;
  created_at: number;
  secret_key: Uint8Array;
  previous_secret_key: Uint8Array | null;
  previous_secret_key_ends_at: number | null;
  vapid_public_key: Uint8Array;
  vapid_private_key: Uint8Array;
  allowed_origins: string | null;
  feed: 0 | 1 | boolean;
}

/** Of webhooks; `events` is a JSON array. */
export interface WebhookRow {
  instance_id: string;
  id: string;
  url: Uint8Array;
  format: WebhookFormat;
  options: string;
  secret: Uint8Array;
  previous_secret: Uint8Array | null;
  previous_secret_ends_at: number | null;
  signing_key: Uint8Array | null;
  headers: Uint8Array | null;
  custom_data: string;
  created_at: number;
  disabled_at: number | null;
  disabled_reason: WebhookRecord['disabledReason'];
  events: string;
}

export const originsToText = (origins: InstanceRecord['allowedOrigins']) =>
  origins === null ? null : JSON.stringify(origins);

/** url, options, secret, previous_secret, previous_secret_ends_at, signing_key, headers, custom_data, disabled_at, disabled_reason. */
export const changeableColumns = (webhook: Omit<WebhookRecord, 'format' | 'createdAt'>) =>
  [
    webhook.url,
    JSON.stringify(webhook.options),
    webhook.secret,
    webhook.previousSecret?.secret ?? null,
    webhook.previousSecret?.endsAt ?? null,
    webhook.signingKey,
    webhook.headers,
    webhook.customData,
    webhook.disabledAt,
    webhook.disabledReason,
  ] as const;

export const toInstance = (row: InstanceRow): InstanceRecord => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
  secretKey: row.secret_key,
  previousSecretKey:
    row.previous_secret_key === null || row.previous_secret_key_ends_at === null
      ? null
      : { key: row.previous_secret_key, endsAt: row.previous_secret_key_ends_at },
  vapidPublicKey: row.vapid_public_key,
  vapidPrivateKey: row.vapid_private_key,
  allowedOrigins: row.allowed_origins === null ? null : (JSON.parse(row.allowed_origins) as string[]),
  feed: Boolean(row.feed),
});

export const toWebhook = (row: WebhookRow): WebhookRecord => ({
  instanceId: row.instance_id,
  id: row.id,
  url: row.url,
  format: row.format,
  events: JSON.parse(row.events) as EventType[],
  options: JSON.parse(row.options) as WebhookOptions,
  secret: row.secret,
  previousSecret:
    row.previous_secret === null || row.previous_secret_ends_at === null
      ? null
      : { secret: row.previous_secret, endsAt: row.previous_secret_ends_at },
  signingKey: row.signing_key,
  headers: row.headers,
  customData: row.custom_data,
  createdAt: row.created_at,
  disabledAt: row.disabled_at,
  disabledReason: row.disabled_reason,
});

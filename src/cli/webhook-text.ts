import type { renderWebhook, renderWebhookWithSecret } from '../wire/admin/render.ts';
import { formatFields } from './format-text.ts';

export type ListedWebhook = ReturnType<typeof renderWebhook>;
export type ShownWebhook = ReturnType<typeof renderWebhookWithSecret>;

export const webhookText = ({
  id,
  url,
  format,
  events,
  secret,
  previousSecretEndsAt,
  options,
  publicKey,
  headers,
  customData,
  disabledAt,
  createdAt,
}: ShownWebhook): string =>
  formatFields({
    'webhook id': id,
    target: url,
    format,
    events,
    secret,
    'old secret until': previousSecretEndsAt,
    signing: options.signing,
    'public key': publicKey,
    retries: options.retryPolicy,
    'in flight': options.maxInFlight,
    'per second': options.maxPerSecond,
    filter: options.filter,
    batch: options.batch,
    headers,
    'custom data': customData,
    'disabled at': disabledAt,
    'created at': createdAt,
  });

/** Tables are looked at over shoulders. */
export function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}

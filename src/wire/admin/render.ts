import { webhookPublicKey } from '../../core/instances/webhook-secret.ts';
import type { Instance, Webhook } from '../../core/instances/instance.ts';
import type { ShownAttempt } from '../../core/webhooks/show-attempts.ts';
import type { MessageDetail, MessageView, WebhookHealth } from '../../core/ports/message-store.ts';
import type { IgnoredReports } from '../../core/ports/report-store.ts';
import type { Insights, PublishSummary } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import { formatDeviceId, formatPublishId, uuidV7Time } from '../../protocol/ids.ts';

/** What the admin API shows. Times are ISO 8601 in UTC. */

const time = (ms: number): string => new Date(ms).toISOString();
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms));

/** Lists leave the secret key out. */
export const renderInstance = (
  instance: Pick<Instance, 'id' | 'name' | 'createdAt' | 'allowedOrigins' | 'feed'> & {
    readonly previousSecretKey: { readonly endsAt: number } | null;
  },
  vapidPublicKey: Uint8Array,
) => ({
  id: instance.id,
  name: instance.name,
  vapidPublicKey: Buffer.from(vapidPublicKey).toString('base64url'),
  allowedOrigins: instance.allowedOrigins,
  feed: instance.feed,
  previousSecretKeyEndsAt: timeOrNull(instance.previousSecretKey?.endsAt ?? null),
  createdAt: time(instance.createdAt),
});

export const renderInstanceWithKey = (instance: Instance) => ({
  ...renderInstance(instance, instance.vapid.publicKey),
  secretKey: instance.secretKey,
});

/** Lists leave the secret and the custom headers out. */
export const renderWebhook = (webhook: Webhook) => ({
  id: webhook.id,
  url: webhook.url,
  format: webhook.format,
  events: webhook.events,
  options: webhook.options,
  publicKey: webhookPublicKey(webhook),
  customData: webhook.customData,
  disabledAt: timeOrNull(webhook.disabledAt),
  disabledReason: webhook.disabledReason,
  createdAt: time(webhook.createdAt),
});

export const renderWebhookWithSecret = (webhook: Webhook) => ({
  ...renderWebhook(webhook),
  secret: webhook.secret,
  previousSecretEndsAt: timeOrNull(webhook.previousSecret?.endsAt ?? null),
  headers: webhook.headers,
});

export const renderHealth = ({ lastSuccessAt, failingSince }: WebhookHealth) => ({
  lastSuccessAt: timeOrNull(lastSuccessAt),
  failingSince: timeOrNull(failingSince),
});

/** `webhookId` is null for messages to the `webhookUrl` of a publish. `explanation`: why it is where it is, in words. */
export const renderMessage = (message: MessageView, explanation: string | null) => ({
  id: message.messageId,
  webhookId: message.webhookId,
  eventType: message.eventType,
  eventId: message.eventId,
  eventAt: time(message.eventAt),
  publishId: message.publishId && formatPublishId(message.publishId),
  state: message.state,
  dropReason: message.dropReason,
  attempts: message.attempts,
  dueAt: timeOrNull(message.dueAt),
  lastStatus: message.lastAttempt?.status ?? null,
  explanation,
});

/** `user`: null when the event is about none, or the name was erased. */
export const renderMessageDetail = (message: MessageDetail, explanation: string | null) => ({
  ...renderMessage(message, explanation),
  user: message.user === null || message.user === 'erased' ? null : message.user.name,
  userErased: message.user === 'erased',
  deviceId: message.device && formatDeviceId(message.device.platform, message.device.deviceId),
  action: message.action,
});

export const renderAttempt = ({ startedAt, ...attempt }: ShownAttempt) => ({ startedAt: time(startedAt), ...attempt });

/** `day`: like `2026-01-31`, in UTC. */
export const renderIgnoredReports = ({ day, reason, count }: IgnoredReports) => ({
  day: time(day * 86_400_000).slice(0, 10),
  reason,
  count,
});

/** "Acknowledgement rate = acknowledged / triggered. Open rate = opened / openable." Null: of nothing. */
const renderInsights = (insights: Insights) => ({
  ...insights,
  acknowledgementRate: rate(insights.acknowledged, insights.triggered),
  openRate: rate(insights.opened, insights.openable),
});

const rate = (part: number, whole: number) => (whole === 0 ? null : part / whole);

/** The content of the publish is not shown. */
export const renderPublish = ({ users: { delivered, noDevices, failed }, ...publish }: PublishSummary) => ({
  id: formatPublishId(publish.publishId),
  target: publish.targetKind,
  platforms: publish.platforms,
  acceptedAt: time(uuidV7Time(publish.publishId)),
  finishedAt: timeOrNull(publish.finishedAt),
  counts: publish.counts,
  insights: Object.fromEntries(
    Object.entries(publish.insights).map(([platform, insights]) => [platform, renderInsights(insights)]),
  ) as Partial<Record<Platform, ReturnType<typeof renderInsights>>>,
  users: { delivered, noDevices, failed },
});

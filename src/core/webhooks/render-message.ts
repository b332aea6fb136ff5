import { formatDeviceId, formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type {
  ClassicWebhookBody,
  CredentialsExpiring,
  NotificationEvent,
  PlatformResult,
  PublishToUsersAttempt,
  PublishWebhookBody,
  StandardWebhookBody,
  UserNotification,
  WebhookBody,
  WebhookDisabled,
} from '../../protocol/webhook-body.ts';
import type { WebNotification } from '../../protocol/push-payload.ts';
import type { ClassicEventType, EventType } from '../../protocol/event-types.ts';
import { classicEventOf } from '../../protocol/event-types.ts';
import type { WebContent } from '../ports/gateway.ts';
import type { EventReference } from '../ports/message-store.ts';
import type { PublishKey, PublishSummary } from '../ports/publish-store.ts';

/** Beams' envelope around the payload of an event. */
export function renderWebhookBody(
  event: EventReference & { readonly eventType: EventType },
  payload: WebhookBody['payload'],
  customData: JsonObject,
): WebhookBody {
  return {
    payload,
    metadata: {
      created_at: formatCreatedAt(event.eventAt),
      event_type: event.eventType,
      event_id: event.eventId,
      product: 'beams',
    },
    custom_data: customData,
  };
}

/** Standard Webhooks: "type", "timestamp" ("when the event occurred") and "data". */
export const renderStandardWebhook = (
  event: EventReference & { readonly eventType: EventType },
  payload: StandardWebhookBody['data'],
): StandardWebhookBody => ({
  type: event.eventType,
  timestamp: new Date(event.eventAt).toISOString(),
  data: payload,
});

export function renderWebhookDisabled({ instanceId, eventId, details }: EventReference): WebhookDisabled {
  if (!details || !('webhookId' in details)) throw new Error(`event ${eventId} names no webhook`);
  const { webhookId, reason, failingSince } = details;
  return { instance_id: instanceId, webhook_id: webhookId, reason, since: new Date(failingSince).toISOString() };
}

export function renderCredentialsExpiring({ instanceId, eventId, details }: EventReference): CredentialsExpiring {
  if (!details || !('expiresAt' in details)) throw new Error(`event ${eventId} names no credentials`);
  const { platform, fingerprint, expiresAt } = details;
  return { instance_id: instanceId, platform, fingerprint, expires_at: new Date(expiresAt).toISOString() };
}

export const renderUserNotification = (event: EventReference & PublishKey, userId: string): UserNotification => ({
  instance_id: event.instanceId,
  publish_id: formatPublishId(event.publishId),
  user_id: userId,
});

export const renderNotificationEvent = (
  event: EventReference & PublishKey,
  device: NonNullable<EventReference['device']>,
  user: { readonly name: string } | null,
  { deep_link: launchUrl, buttons = [] }: WebNotification = {},
): NotificationEvent => {
  // From what was sent, not from what the browser says it opened.
  const url = buttons.find(({ id }) => id === event.action)?.url ?? launchUrl;
  return {
    instance_id: event.instanceId,
    publish_id: formatPublishId(event.publishId),
    device_id: formatDeviceId(device.platform, device.deviceId),
    ...(user && { user_id: user.name }),
    ...(event.action !== null && { action: event.action }),
    ...(url !== undefined && { url }),
  };
};

const nothing = { notification: {}, data: {} };

/** As a browser would post it: see `src/service-worker/classic-webhook.ts`. */
export const renderClassicWebhook = (
  event: Pick<EventReference & PublishKey, 'publishId' | 'device' | 'action'> & {
    readonly eventType: ClassicEventType;
  },
  { notification: { title, body, deep_link: url, icon }, data }: Pick<WebContent, 'notification' | 'data'> = nothing,
): ClassicWebhookBody => ({
  event: classicEventOf[event.eventType],
  id: event.publishId,
  userId: event.device?.deviceId ?? null,
  ...(title !== undefined && { heading: title }),
  ...(body !== undefined && { content: body }),
  ...(url !== undefined && { url }),
  ...(icon !== undefined && { icon }),
  ...(Object.keys(data).length > 0 && { data }),
  ...(event.action !== null && { action: event.action }),
});

export const renderPublishToUsersAttempt = (summary: PublishSummary): PublishToUsersAttempt => ({
  instance_id: summary.instanceId,
  publish_id: formatPublishId(summary.publishId),
  users_delivered_to_gateway: summary.users.delivered,
  users_no_devices: summary.users.noDevices,
  users_gateway_failed: summary.users.failed,
});

export const renderPublishStarted = (summary: PublishSummary, requestBody: JsonObject): PublishWebhookBody => ({
  publishId: formatPublishId(summary.publishId),
  status: 'STARTED',
  requestBody: withUsers(summary, requestBody),
});

export const renderPublishFinished = (summary: PublishSummary, requestBody: JsonObject): PublishWebhookBody => ({
  publishId: formatPublishId(summary.publishId),
  status: 'FINISHED',
  requestBody: withUsers(summary, requestBody),
  results: Object.fromEntries(summary.platforms.map((platform) => [platform, platformResult(summary, platform)])),
});

/** Names are filled in here, as everywhere: the stored body holds none, so an erased user is in no later webhook. */
const withUsers = (summary: PublishSummary, requestBody: JsonObject): JsonObject =>
  summary.targetKind === 'users' ? { ...requestBody, users: [...summary.users.all] } : requestBody;

function platformResult(summary: PublishSummary, platform: 'web' | 'fcm' | 'apns'): PlatformResult {
  const { accepted, gone, rejected, failed, unauthorized } = summary.counts[platform] ?? noOutcomes;
  const refused = gone + rejected + failed;
  if (unauthorized > 0 && accepted + refused === 0) return { failed: true };
  return { numSuccessfulPublishes: accepted, numFailedPublishes: refused + unauthorized };
}

const noOutcomes = { accepted: 0, gone: 0, rejected: 0, failed: 0, unauthorized: 0 };

/** Beams' form, like `2019-03-11T10:42:16+0000`. */
function formatCreatedAt(at: number): string {
  const second = Math.floor(at / 1_000);
  if (second !== known.second) known = { second, text: `${new Date(at).toISOString().slice(0, -'.000Z'.length)}+0000` };
  return known.text;
}

/** Many events are of the same second. */
let known = { second: Number.NaN, text: '' };

import { createHmac } from 'node:crypto';
import type { InstanceDirectory, Webhook } from '../instances/instance.ts';
import type { ClaimedMessage, DropReason } from '../ports/message-store.ts';
import type { PublishQueries, PublishSummary } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import { openPublishBody } from '../publish/publish-body.ts';
import {
  renderClassicWebhook,
  renderNotificationEvent,
  renderPublishFinished,
  renderPublishStarted,
  renderPublishToUsersAttempt,
  renderUserNotification,
  renderWebhookBody,
} from './render-message.ts';
import type { ClassicEventType, EventType } from '../../protocol/event-types.ts';
import { eventTypes, isClassicEventType } from '../../protocol/event-types.ts';
import type { ClassicWebhookBody } from '../../protocol/webhook-body.ts';
import { splitCredentials } from './split-credentials.ts';

export interface BuildRequestDeps {
  readonly store: Pick<PublishQueries, 'summarizePublish'>;
  readonly instances: Pick<InstanceDirectory, 'findWebhook'>;
  readonly sealer: Sealer;
}

/** A message as it goes out, the same on every attempt. */
export interface WebhookRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The request, or why there is none: nobody to send to any more, or nothing to say. */
export function buildRequest(deps: BuildRequestDeps, message: ClaimedMessage): Promise<WebhookRequest | DropReason> {
  return isInstanceEvent(message) ? buildInstanceWebhook(deps, message) : buildPublishWebhook(deps, message);
}

type InstanceMessage = ClaimedMessage & { readonly eventType: EventType };

const isInstanceEvent = (message: ClaimedMessage): message is InstanceMessage =>
  (eventTypes as readonly string[]).includes(message.eventType);

type NotificationMessage = ClaimedMessage & { readonly eventType: ClassicEventType };

const isNotificationEvent = (message: InstanceMessage): message is NotificationMessage =>
  isClassicEventType(message.eventType);

async function buildInstanceWebhook(
  deps: BuildRequestDeps,
  message: InstanceMessage,
): Promise<WebhookRequest | DropReason> {
  const webhook = message.webhookId && (await deps.instances.findWebhook(message.instanceId, message.webhookId));
  if (!webhook) return 'webhook-deleted';
  if (webhook.disabledAt !== null) return 'webhook-disabled';
  if (message.eventType === 'v1.PublishToUsersAttempt') {
    const payload = renderPublishToUsersAttempt(await summarize(deps, message));
    return signedRequest(message, webhook, JSON.stringify(renderWebhookBody(message, payload, webhook.customData)));
  }
  if (message.user === 'erased') return 'user-erased';
  if (isNotificationEvent(message)) {
    const summary = await summarize(deps, message);
    const { content } = openPublishBody(deps.sealer, message, summary.body);
    if (webhook.format === 'classic') {
      return classicRequest(message, webhook, renderClassicWebhook(message, content.web));
    }
    if (!message.device) throw new Error(`message ${message.messageId} (${message.eventType}) names no device`);
    const payload = renderNotificationEvent(message, message.device, message.user, content.web?.notification);
    return signedRequest(message, webhook, JSON.stringify(renderWebhookBody(message, payload, webhook.customData)));
  }
  if (!message.user) throw new Error(`message ${message.messageId} (${message.eventType}) names no user`);
  const payload = renderUserNotification(message, message.user.name);
  return signedRequest(message, webhook, JSON.stringify(renderWebhookBody(message, payload, webhook.customData)));
}

async function buildPublishWebhook(deps: BuildRequestDeps, message: ClaimedMessage): Promise<WebhookRequest> {
  const summary = await summarize(deps, message);
  const { webhook } = openPublishBody(deps.sealer, message, summary.body);
  if (!webhook) throw new Error(`publish ${message.publishId} has a ${message.eventType} message but no webhook`);
  const body =
    message.eventType === 'publish.started'
      ? renderPublishStarted(summary, webhook.requestBody)
      : renderPublishFinished(summary, webhook.requestBody);
  return withCredentials(webhook.url, commonHeaders, JSON.stringify(body));
}

async function summarize(deps: BuildRequestDeps, message: ClaimedMessage): Promise<PublishSummary> {
  const summary = await deps.store.summarizePublish(message);
  if (!summary) throw new Error(`message ${message.messageId} is about a publish that is not stored`);
  return summary;
}

const commonHeaders = { 'User-Agent': 'pusher-webhooks', 'Content-Type': 'application/json' };

/** Headers of Beams' instance webhooks; `Webhook-Signature` is the hex HMAC-SHA1 of the exact body. */
const signedRequest = (message: ClaimedMessage, webhook: Webhook, body: string): WebhookRequest =>
  withCredentials(
    webhook.url,
    { ...commonHeaders, 'Webhook-Event-Type': message.eventType, ...signature(message, webhook, body) },
    body,
  );

/** Headers of OneSignal's classic webhooks with `cors`, and a signature, which those lack. */
const classicRequest = (message: ClaimedMessage, webhook: Webhook, content: ClassicWebhookBody): WebhookRequest => {
  const body = JSON.stringify(content);
  const headers = { 'Content-Type': 'application/json', 'X-OneSignal-Event': content.event };
  return withCredentials(webhook.url, { ...headers, ...signature(message, webhook, body) }, body);
};

const signature = (message: ClaimedMessage, webhook: Webhook, body: string) => ({
  'Webhook-ID-UUID': webhook.id,
  'Webhook-Request-ID-UUID': message.messageId,
  'Webhook-Signature': createHmac('sha1', webhook.secret).update(body).digest('hex'),
});

function withCredentials(target: string, headers: Readonly<Record<string, string>>, body: string): WebhookRequest {
  const { url, authorization } = splitCredentials(new URL(target));
  return { url, headers: authorization ? { ...headers, Authorization: authorization } : headers, body };
}

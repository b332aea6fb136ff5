import { createHmac } from 'node:crypto';
import type { InstanceDirectory, Webhook } from '../instances/instance.ts';
import type { ClaimedMessage, DropReason } from '../ports/message-store.ts';
import { openPublishBody } from '../publish/publish-body.ts';
import {
  renderClassicWebhook,
  renderPublishFinished,
  renderPublishStarted,
  renderWebhookBody,
} from './render-message.ts';
import type { RenderEventDeps } from './render-event.ts';
import { isInstanceEvent, renderEvent, summarize } from './render-event.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { isClassicEventType } from '../../protocol/event-types.ts';
import type { ClassicWebhookBody } from '../../protocol/webhook-body.ts';
import { splitCredentials } from './split-credentials.ts';

export interface BuildRequestDeps extends RenderEventDeps {
  readonly instances: Pick<InstanceDirectory, 'findWebhook'>;
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

async function buildInstanceWebhook(
  deps: BuildRequestDeps,
  message: InstanceMessage,
): Promise<WebhookRequest | DropReason> {
  const webhook = message.webhookId && (await deps.instances.findWebhook(message.instanceId, message.webhookId));
  if (!webhook) return 'webhook-deleted';
  if (webhook.disabledAt !== null) return 'webhook-disabled';
  if (webhook.format === 'classic' && isClassicEventType(message.eventType)) {
    if (message.user === 'erased') return 'user-erased';
    const { content } = openPublishBody(deps.sealer, message, (await summarize(deps, message)).body);
    const { eventType } = message;
    return classicRequest(message, webhook, renderClassicWebhook({ ...message, eventType }, content.web));
  }
  const payload = await renderEvent(deps, message);
  if (payload === 'user-erased') return payload;
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

import type { InstanceDirectory, Webhook } from '../instances/instance.ts';
import type { Clock } from '../ports/clock.ts';
import type { ClaimedMessage, DropReason } from '../ports/message-store.ts';
import { openPublishBody } from '../publish/publish-body.ts';
import {
  renderClassicWebhook,
  renderPublishFinished,
  renderPublishStarted,
  renderStandardWebhook,
  renderWebhookBody,
} from './render-message.ts';
import type { RenderEventDeps } from './render-event.ts';
import { contentOf, isInstanceEvent, ofPublish, renderEvent, summarize } from './render-event.ts';
import type { EventType } from '../../protocol/event-types.ts';
import { isClassicEventType } from '../../protocol/event-types.ts';
import { attemptHeaders, signatureHeaders } from './sign-request.ts';
import { splitCredentials } from './split-credentials.ts';

export interface BuildRequestDeps extends RenderEventDeps {
  readonly clock: Clock;
  readonly instances: Pick<InstanceDirectory, 'findWebhook'>;
}

/** A message as it goes out: body and id are the same on every attempt. */
export interface WebhookRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Of a message that is sent, or of one that was. */
export type MessageToBuild = Omit<ClaimedMessage, 'claimToken'>;

/** The request, or why there is none: nobody to send to any more, or nothing to say. */
export function buildRequest(
  deps: BuildRequestDeps,
  message: MessageToBuild,
): Promise<WebhookRequest | DropReason | 'webhook-disabled'> {
  return isInstanceEvent(message) ? buildInstanceWebhook(deps, message) : buildPublishWebhook(deps, message);
}

type InstanceMessage = MessageToBuild & { readonly eventType: EventType };

async function buildInstanceWebhook(
  deps: BuildRequestDeps,
  message: InstanceMessage,
): Promise<WebhookRequest | DropReason | 'webhook-disabled'> {
  const webhook = message.webhookId && (await deps.instances.findWebhook(message.instanceId, message.webhookId));
  if (!webhook) return 'webhook-deleted';
  if (webhook.disabledAt !== null) return 'webhook-disabled';
  if (webhook.format === 'classic' && isClassicEventType(message.eventType)) {
    if (message.user === 'erased') return 'user-erased';
    const about = ofPublish(message);
    const { web } = await contentOf(deps, about);
    const { eventType } = message;
    const body = renderClassicWebhook({ ...about, eventType }, web);
    return signedRequest(deps, message.messageId, webhook, { 'X-OneSignal-Event': body.event }, JSON.stringify(body));
  }
  const payload = await renderEvent(deps, message);
  if (payload === 'user-erased') return payload;
  if (webhook.format === 'standard') {
    const body = JSON.stringify(renderStandardWebhook(message, payload));
    return signedRequest(deps, message.messageId, webhook, standardHeaders, body);
  }
  const body = JSON.stringify(renderWebhookBody(message, payload, webhook.customData));
  return signedRequest(deps, message.messageId, webhook, beamsHeaders(message.eventType), body);
}

async function buildPublishWebhook(deps: BuildRequestDeps, message: MessageToBuild): Promise<WebhookRequest> {
  const about = ofPublish(message);
  const summary = await summarize(deps, about);
  const { webhook } = openPublishBody(deps.sealer, about, summary.body);
  if (!webhook) throw new Error(`publish ${message.publishId} has a ${message.eventType} message but no webhook`);
  const body =
    message.eventType === 'publish.started'
      ? renderPublishStarted(summary, webhook.requestBody)
      : renderPublishFinished(summary, webhook.requestBody);
  const headers = {
    'User-Agent': beamsAgent,
    ...contentType,
    ...attemptHeaders({ id: message.messageId, now: deps.clock() }),
  };
  return withCredentials(splitCredentials(new URL(webhook.url)), headers, JSON.stringify(body));
}

/** As Beams calls itself. */
const beamsAgent = 'pusher-webhooks';
const contentType = { 'Content-Type': 'application/json' };

export const beamsHeaders = (eventType: EventType | 'batch') => ({
  'User-Agent': beamsAgent,
  'Webhook-Event-Type': eventType,
});
export const standardHeaders = { 'User-Agent': 'pharos' };

/** The headers of the body's format, those that every webhook of an instance has, and the operator's own. */
export function signedRequest(
  { clock }: Pick<BuildRequestDeps, 'clock'>,
  id: string,
  webhook: Webhook,
  headers: Readonly<Record<string, string>>,
  body: string,
): WebhookRequest {
  const allHeaders = {
    ...webhook.headers,
    ...contentType,
    ...headers,
    'Webhook-ID-UUID': webhook.id,
    'Webhook-Request-ID-UUID': id,
    ...signatureHeaders(webhook, { id, now: clock(), body }),
  };
  return withCredentials(addressOf(webhook), allHeaders, body);
}

type Address = ReturnType<typeof splitCredentials>;
/** Webhooks are remembered whole, so these live as long as they do. */
const addresses = new WeakMap<Webhook, Address>();

function addressOf(webhook: Webhook): Address {
  const address = addresses.get(webhook) ?? splitCredentials(new URL(webhook.url));
  addresses.set(webhook, address);
  return address;
}

function withCredentials(
  { url, authorization }: Address,
  headers: Readonly<Record<string, string>>,
  body: string,
): WebhookRequest {
  return { url, headers: authorization ? { ...headers, Authorization: authorization } : headers, body };
}

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
import { classicEventOf, isClassicEventType } from '../../protocol/event-types.ts';
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
  /** Of them, those that all have that this object is handed out with, which have the same names then. */
  readonly fixedHeaders: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface BuiltRequest extends WebhookRequest {
  /** Of its URL. */
  readonly origin: string;
  /** Whom it is for; null: it goes to the `webhookUrl` of a publish. */
  readonly webhook: Webhook | null;
}

/** Of a message that is sent, or of one that was. */
export type MessageToBuild = Omit<ClaimedMessage, 'claimToken'>;

/** The request, or why there is none: nobody to send to any more, or nothing to say. */
export function buildRequest(
  deps: BuildRequestDeps,
  message: MessageToBuild,
): Promise<BuiltRequest | DropReason | 'webhook-disabled'> {
  return isInstanceEvent(message) ? buildInstanceWebhook(deps, message) : buildPublishWebhook(deps, message);
}

type InstanceMessage = MessageToBuild & { readonly eventType: EventType };

async function buildInstanceWebhook(
  deps: BuildRequestDeps,
  message: InstanceMessage,
): Promise<BuiltRequest | DropReason | 'webhook-disabled'> {
  const webhook = message.webhookId && (await deps.instances.findWebhook(message.instanceId, message.webhookId));
  if (!webhook) return 'webhook-deleted';
  if (webhook.disabledAt !== null) return 'webhook-disabled';
  if (webhook.format === 'classic' && isClassicEventType(message.eventType)) {
    if (message.user === 'erased') return 'user-erased';
    const about = ofPublish(message);
    const { web } = await contentOf(deps, about);
    const { eventType } = message;
    const body = JSON.stringify(renderClassicWebhook({ ...about, eventType }, web));
    return signedRequest(deps, { id: message.messageId, webhook, type: eventType, body });
  }
  const payload = await renderEvent(deps, message);
  if (payload === 'user-erased') return payload;
  const body = JSON.stringify(
    webhook.format === 'standard'
      ? renderStandardWebhook(message, payload)
      : renderWebhookBody(message, payload, webhook.customData),
  );
  return signedRequest(deps, { id: message.messageId, webhook, type: message.eventType, body });
}

async function buildPublishWebhook(deps: BuildRequestDeps, message: MessageToBuild): Promise<BuiltRequest> {
  const about = ofPublish(message);
  const summary = await summarize(deps, about);
  const { webhook } = openPublishBody(deps.sealer, about, summary.body);
  if (!webhook) throw new Error(`publish ${message.publishId} has a ${message.eventType} message but no webhook`);
  const body =
    message.eventType === 'publish.started'
      ? renderPublishStarted(summary, webhook.requestBody)
      : renderPublishFinished(summary, webhook.requestBody);
  const { url, authorization } = splitCredentials(new URL(webhook.url));
  const headers = {
    'User-Agent': beamsAgent,
    ...contentType,
    ...attemptHeaders({ id: message.messageId, now: deps.clock() }),
    ...(authorization !== null && { Authorization: authorization }),
  };
  return { url, origin: url.origin, headers, fixedHeaders: {}, body: JSON.stringify(body), webhook: null };
}

/** As Beams calls itself. */
const beamsAgent = 'pusher-webhooks';
const contentType = { 'Content-Type': 'application/json' };

export interface RequestToSign {
  /** Of the message, or of the batch. */
  readonly id: string;
  readonly webhook: Webhook;
  readonly type: EventType | 'batch';
  readonly body: string;
}

/** The headers of the body's format, those that every webhook of an instance has, and the operator's own. */
export function signedRequest(
  { clock }: Pick<BuildRequestDeps, 'clock'>,
  { id, webhook, type, body }: RequestToSign,
): BuiltRequest {
  const { url, origin, fixedHeaders } = fixedPart(webhook, type);
  const signature = signatureHeaders(webhook, { id, now: clock(), body });
  const headers = { ...fixedHeaders, 'Webhook-Request-ID-UUID': id, ...signature };
  return { url, origin, headers, fixedHeaders, body, webhook };
}

type FixedPart = Pick<BuiltRequest, 'url' | 'origin' | 'fixedHeaders'>;

/** What the requests of a webhook have in common. Webhooks are remembered whole, so these live as long as they do. */
const fixedParts = new WeakMap<Webhook, Map<EventType | 'batch', FixedPart>>();

function fixedPart(webhook: Webhook, type: EventType | 'batch'): FixedPart {
  const parts = fixedParts.get(webhook) ?? new Map<EventType | 'batch', FixedPart>();
  const part = parts.get(type) ?? makeFixedPart(webhook, type);
  if (!parts.has(type)) fixedParts.set(webhook, parts.set(type, part));
  return part;
}

function makeFixedPart(webhook: Webhook, type: EventType | 'batch'): FixedPart {
  const { url, authorization } = splitCredentials(new URL(webhook.url));
  const fixedHeaders = {
    ...webhook.headers,
    ...contentType,
    ...formatHeaders(webhook, type),
    'Webhook-ID-UUID': webhook.id,
    ...(authorization !== null && { Authorization: authorization }),
  };
  return { url, origin: url.origin, fixedHeaders };
}

function formatHeaders({ format }: Webhook, type: EventType | 'batch'): Readonly<Record<string, string>> {
  if (format === 'standard') return { 'User-Agent': 'pharos' };
  if (format === 'classic' && type !== 'batch' && isClassicEventType(type)) {
    return { 'X-OneSignal-Event': classicEventOf[type] };
  }
  return { 'User-Agent': beamsAgent, 'Webhook-Event-Type': type };
}

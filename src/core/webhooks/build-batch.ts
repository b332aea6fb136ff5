import { uuidV7Time } from '../../protocol/ids.ts';
import type { Webhook } from '../instances/instance.ts';
import { StoreUnavailable } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { ClaimedMessage, CompleteBatch } from '../ports/message-store.ts';
import type { BuildRequestDeps, MessageToBuild, WebhookRequest } from './build-request.ts';
import { signedRequest } from './build-request.ts';
import { rememberPublishes } from './remember-publishes.ts';
import type { RenderEventDeps } from './render-event.ts';
import { isInstanceEvent, renderEvent } from './render-event.ts';
import { renderStandardWebhook, renderWebhookBody } from './render-message.ts';
import type { ClaimedRequest } from './requests-by-target.ts';

export interface BuildBatchDeps extends BuildRequestDeps {
  readonly log: Log;
}

export interface BuiltBatch {
  /** Null: there is nothing to send. */
  readonly request: WebhookRequest | null;
  /** What is in the request. */
  readonly messageIds: readonly string[];
  /** What is not, and what becomes of it. */
  readonly unsent: CompleteBatch['unsent'];
}

/** What is over goes out with the next batch. One event alone may be larger. */
const maxBytes = 1024 * 1024;
/** Until a message that could not be rendered is tried again. */
const retryAfterFailureMs = 20_000;

/**
 * The request for a batch, as much as fits and can be rendered; the same on every attempt, unless users were erased.
 * Rejects with `StoreUnavailable`.
 */
export async function buildBatch(deps: BuildBatchDeps, webhook: Webhook, batch: ClaimedRequest): Promise<BuiltBatch> {
  const remembering = { ...deps, store: rememberPublishes(deps.store) };
  const events: string[] = [];
  const ids = { sent: [] as string[], erased: [] as string[], failed: [] as string[], tooMuch: [] as string[] };
  let bytes = 0;
  for (const message of batch) {
    if (ids.tooMuch.length > 0) {
      ids.tooMuch.push(message.messageId);
      continue;
    }
    const rendered = await renderOrLog(remembering, webhook, message);
    if (rendered.kind !== 'event') {
      ids[rendered.kind].push(message.messageId);
      continue;
    }
    bytes += Buffer.byteLength(rendered.text) + 1;
    if (events.length > 0 && bytes > maxBytes) {
      ids.tooMuch.push(message.messageId);
      continue;
    }
    events.push(rendered.text);
    ids.sent.push(message.messageId);
  }
  const unsent: CompleteBatch['unsent'] = [
    { messageIds: ids.erased, next: { kind: 'dropped', reason: 'user-erased' } },
    { messageIds: ids.failed, next: { kind: 'retry', retryInMs: retryAfterFailureMs } },
    { messageIds: ids.tooMuch, next: { kind: 'retry', retryInMs: 0 } },
  ];
  return {
    request: events.length > 0 ? batchRequest(deps, webhook, batchIdOf(batch), events) : null,
    messageIds: ids.sent,
    unsent: unsent.filter(({ messageIds }) => messageIds.length > 0),
  };
}

/** Of a batch that was sent; null when a user whom it told of was erased since. Rejects when it cannot be rendered. */
export async function buildBatchAgain(
  deps: BuildRequestDeps,
  webhook: Webhook,
  batchId: string,
  batch: readonly MessageToBuild[],
): Promise<WebhookRequest | null> {
  const remembering = { ...deps, store: rememberPublishes(deps.store) };
  const events: string[] = [];
  for (const message of batch) {
    const event = await renderBatchEvent(remembering, webhook, message);
    if (event === null) return null;
    events.push(event);
  }
  return batchRequest(deps, webhook, batchId, events);
}

export function batchIdOf([{ messageId, batchId }]: ClaimedRequest): string {
  if (batchId === null) throw new Error(`message ${messageId} is in no batch`);
  return batchId;
}

type Rendered = { readonly kind: 'event'; readonly text: string } | { readonly kind: 'erased' | 'failed' };

async function renderOrLog(deps: BuildBatchDeps, webhook: Webhook, message: ClaimedMessage): Promise<Rendered> {
  try {
    const text = await renderBatchEvent(deps, webhook, message);
    return text === null ? { kind: 'erased' } : { kind: 'event', text };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const { instanceId, messageId, webhookId } = message;
    deps.log.error('message.failed', { instanceId, messageId, webhookId, error });
    return { kind: 'failed' };
  }
}

/** Null: its user was erased. */
async function renderBatchEvent(
  deps: RenderEventDeps,
  webhook: Webhook,
  message: MessageToBuild,
): Promise<string | null> {
  if (!isInstanceEvent(message)) throw new Error(`message ${message.messageId} is no event of an instance`);
  const payload = await renderEvent(deps, message);
  if (payload === 'user-erased') return null;
  return JSON.stringify(
    webhook.format === 'standard'
      ? { id: message.messageId, ...renderStandardWebhook(message, payload) }
      : renderWebhookBody(message, payload, webhook.customData),
  );
}

/** Ours: Beams has no batches, and Standard Webhooks none of this size (docs/decisions/0016). */
function batchRequest(
  deps: Pick<BuildRequestDeps, 'clock'>,
  webhook: Webhook,
  batchId: string,
  events: readonly string[],
): WebhookRequest {
  const list = `{"events":[${events.join(',')}]}`;
  const about = { id: batchId, webhook, type: 'batch' as const };
  if (webhook.format !== 'standard') return signedRequest(deps, { ...about, body: list });
  // Of its first event, since it must not change.
  const timestamp = new Date(uuidV7Time(batchId)).toISOString();
  return signedRequest(deps, { ...about, body: `{"type":"batch","timestamp":"${timestamp}","data":${list}}` });
}

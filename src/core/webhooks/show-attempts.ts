import type { InstanceDirectory } from '../instances/instance.ts';
import type { AttemptRecord, MessageDetail, MessageKey, MessageQueries } from '../ports/message-store.ts';
import { buildBatchAgain } from './build-batch.ts';
import type { BuildRequestDeps, WebhookRequest } from './build-request.ts';
import { buildRequest } from './build-request.ts';
import type { ShownRequest } from './shown-request.ts';
import { hashRequest, showRequest } from './shown-request.ts';

export interface ShowAttemptsDeps extends BuildRequestDeps {
  readonly store: BuildRequestDeps['store'] & Pick<MessageQueries, 'findMessage' | 'listAttempts' | 'listBatch'>;
}

export interface ShownAttempt extends Omit<AttemptRecord, 'requestHash'> {
  /** As it was sent; null when that cannot be said any more. */
  readonly request: ShownRequest | null;
  /** Why there is none, in words. */
  readonly requestNote: string | null;
}

/**
 * What was sent and what came back, in order; null for an unknown message. The request is built again, and shown only when
 * its hash says that it is the one that was sent (docs/decisions/0017).
 */
export async function showAttempts(deps: ShowAttemptsDeps, key: MessageKey): Promise<readonly ShownAttempt[] | null> {
  const message = await deps.store.findMessage(key);
  const attempts = message && (await deps.store.listAttempts(key));
  if (!message || !attempts) return null;
  const built = attempts.length > 0 ? await buildAgain(deps, message) : [];
  const requests = typeof built === 'string' ? [] : built;
  const byHash = new Map(requests.map((request) => [hashRequest(request), request]));
  return attempts.map(({ requestHash, ...attempt }) => {
    const request = requestHash === null ? undefined : byHash.get(requestHash);
    if (request) return { ...attempt, request: showRequest(request), requestNote: null };
    const why = typeof built === 'string' ? built : 'the webhook, or what the request was made from, has changed since';
    return { ...attempt, request: null, requestNote: requestHash ? why : noteOfUnhashed(message) };
  });
}

const noteOfUnhashed = ({ user, batchId }: MessageDetail): string =>
  user === 'erased' || batchId === null ? 'the user was erased' : 'another user whom it told of was erased';

const reasons = {
  'webhook-deleted': 'the webhook was deleted',
  'webhook-disabled': 'the webhook is disabled',
  'user-erased': 'the user was erased',
};

/** What may have been sent: the message alone, or all of its batch. In words why that cannot be said. */
async function buildAgain(
  { instances: stored, ...others }: ShowAttemptsDeps,
  message: MessageDetail,
): Promise<readonly WebhookRequest[] | string> {
  const deps = { ...others, instances: asIfEnabled(stored) };
  const batch = message.batchId === null ? [] : await deps.store.listBatch(message);
  const publishes = new Set([message, ...batch].flatMap(({ publishId }) => publishId ?? []));
  for (const publishId of publishes) {
    const { instanceId } = message;
    if (!(await deps.store.summarizePublish({ instanceId, publishId }))) return 'its publish is not kept any more';
  }
  const alone = await buildRequest(deps, message);
  if (typeof alone === 'string') return reasons[alone];
  const { webhook } = alone;
  if (!webhook || message.batchId === null) return [alone];
  const together = await buildBatchAgain(deps, webhook, message.batchId, batch);
  return together ? [alone, together] : [alone];
}

/** A webhook that is disabled by now got what was sent to it before. */
const asIfEnabled = (instances: Pick<InstanceDirectory, 'findWebhook'>): Pick<InstanceDirectory, 'findWebhook'> => ({
  findWebhook: async (...key) => {
    const webhook = await instances.findWebhook(...key);
    return webhook && { ...webhook, disabledAt: null };
  },
});

import type { InstanceDirectory } from '../instances/instance.ts';
import type { AttemptRecord, MessageDetail, MessageKey, MessageQueries } from '../ports/message-store.ts';
import type { BuildRequestDeps } from './build-request.ts';
import { buildRequest } from './build-request.ts';
import type { ShownRequest } from './shown-request.ts';
import { hashRequest, showRequest } from './shown-request.ts';

export interface ShowAttemptsDeps extends BuildRequestDeps {
  readonly store: BuildRequestDeps['store'] & Pick<MessageQueries, 'findMessage' | 'listAttempts'>;
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
  const built = attempts.length > 0 ? await buildAgain(deps, message) : 'nothing was sent';
  const hash = typeof built === 'string' ? null : hashRequest(built);
  return attempts.map(({ requestHash, ...attempt }) => {
    if (typeof built !== 'string' && requestHash !== null && hash === requestHash) {
      return { ...attempt, request: showRequest(built), requestNote: null };
    }
    return { ...attempt, request: null, requestNote: requestHash ? noteOf(built) : noteOfUnhashed(message) };
  });
}

const noteOf = (built: Awaited<ReturnType<typeof buildAgain>>): string =>
  typeof built === 'string' ? built : 'the webhook, or what the request was made from, has changed since';

const noteOfUnhashed = ({ user, batchId }: MessageDetail): string =>
  user === 'erased' ? 'the user was erased' : `it was sent together with others, as batch ${batchId ?? ''}`.trimEnd();

const reasons = {
  'webhook-deleted': 'the webhook was deleted',
  'webhook-disabled': 'the webhook is disabled',
  'user-erased': 'the user was erased',
};

async function buildAgain(deps: ShowAttemptsDeps, message: MessageDetail) {
  const { publishId, instanceId } = message;
  if (publishId !== null && !(await deps.store.summarizePublish({ instanceId, publishId }))) {
    return 'its publish is not kept any more';
  }
  const built = await buildRequest({ ...deps, instances: asIfEnabled(deps.instances) }, message);
  return typeof built === 'string' ? reasons[built] : built;
}

/** A webhook that is disabled by now got what was sent to it before. */
const asIfEnabled = (instances: Pick<InstanceDirectory, 'findWebhook'>): Pick<InstanceDirectory, 'findWebhook'> => ({
  findWebhook: async (...key) => {
    const webhook = await instances.findWebhook(...key);
    return webhook && { ...webhook, disabledAt: null };
  },
});

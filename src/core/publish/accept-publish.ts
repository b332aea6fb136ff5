import { formatPublishId } from '../../protocol/ids.ts';
import type { InstanceDirectory } from '../instances/instance.ts';
import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { AcceptAnswer, PublishCommands, PublishTarget } from '../ports/publish-store.ts';
import { urlTarget } from '../webhooks/url-target.ts';
import type { PublishBody } from '../ports/publish-body.ts';
import { contentPlatforms } from './publish-body.ts';

export interface AcceptPublishDeps {
  readonly store: Pick<PublishCommands, 'acceptPublishes'>;
  readonly instances: Pick<InstanceDirectory, 'findInstance'>;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'publishRequested'>;
  /** Called after the commit: there is something to fan out. */
  readonly onAccepted: () => void;
  /** Called after the commit: there may be a message to send. */
  readonly onMessages: () => void;
}

/** A validated request to notify; names and limits are the wire's business. */
export interface PublishRequest extends PublishBody {
  readonly instanceId: string;
  readonly target: PublishTarget;
  /** A request with a key that was used in the last 30 days gets the answer of then, and does nothing. */
  readonly idempotencyKey?: string;
}

/**
 * Makes a publish durable and answers its id; sending begins after that, or at `sendAfter`. No id: nobody can be reached.
 * Rejects with `StoreUnavailable` when it could not be committed.
 */
export async function acceptPublish(deps: AcceptPublishDeps, request: PublishRequest): Promise<AcceptAnswer> {
  const { instanceId, target, idempotencyKey, ...body } = request;
  const publishId = deps.ids.timeOrdered();
  const platforms = contentPlatforms(body.content);
  const answer = await runOne(deps.store.acceptPublishes, {
    instanceId,
    publishId,
    target,
    platforms,
    body,
    urlTarget: body.webhook ? await urlTargetOf(deps, instanceId, body.webhook.url) : null,
    ...(body.sendAfter !== undefined && { sendAfter: body.sendAfter }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  const event = answer.replayed ? 'replayed' : answer.publishId === null ? 'reached-nobody' : 'accepted';
  deps.metrics.publishRequested(event);
  deps.log.info(`publish.${event}`, {
    instanceId,
    publishId: answer.publishId && formatPublishId(answer.publishId),
    platforms,
    target: target.kind,
    targets: countTargets(target),
    sendAfter: body.sendAfter,
    finished: answer.finished,
  });
  if (event === 'accepted' && !answer.finished) deps.onAccepted();
  // Only publishes to users have an event when they end.
  if (body.webhook || (answer.finished && target.kind === 'users')) deps.onMessages();
  return answer;
}

async function urlTargetOf({ instances }: AcceptPublishDeps, instanceId: string, url: string): Promise<string> {
  const instance = await instances.findInstance(instanceId);
  if (!instance) throw new Error(`instance ${instanceId} is gone`);
  return urlTarget(url, instance.secretKey);
}

function countTargets(target: PublishTarget): number {
  switch (target.kind) {
    case 'interests':
      return target.interests.length;
    case 'users':
      return target.users.length;
    case 'devices':
      return target.deviceIds.length + target.aliases.length;
    case 'tags':
      return target.filter.length;
    case 'everyone':
      return 1;
  }
}

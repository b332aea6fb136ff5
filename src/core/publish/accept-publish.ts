import { formatPublishId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { Log } from '../ports/log.ts';
import type { PublishCommands, PublishTarget } from '../ports/publish-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { PublishBody } from './publish-body.ts';
import { contentPlatforms, sealPublishBody } from './publish-body.ts';

export interface AcceptPublishDeps {
  readonly store: Pick<PublishCommands, 'acceptPublishes'>;
  readonly sealer: Sealer;
  readonly ids: IdSource;
  readonly log: Log;
  /** Called after the commit: there is something to fan out, and perhaps a message to send. */
  readonly onAccepted: () => void;
}

/** A validated request to notify; names and limits are the wire's business. */
export interface PublishRequest extends PublishBody {
  readonly instanceId: string;
  readonly target: PublishTarget;
}

/**
 * Makes a publish durable and answers its id; sending begins after that.
 * Rejects with `StoreUnavailable` when it could not be committed.
 */
export async function acceptPublish(
  deps: AcceptPublishDeps,
  request: PublishRequest,
): Promise<{ readonly publishId: string }> {
  const { instanceId, target, content, webhook } = request;
  const publishId = deps.ids.timeOrdered();
  const platforms = contentPlatforms(content);
  await runOne(deps.store.acceptPublishes, {
    instanceId,
    publishId,
    target,
    platforms,
    body: sealPublishBody(deps.sealer, instanceId, webhook ? { content, webhook } : { content }),
    hasWebhook: webhook !== undefined,
  });
  deps.log.info('publish.accepted', {
    instanceId,
    publishId: formatPublishId(publishId),
    platforms,
    target: target.kind,
    targets: target.kind === 'users' ? target.users.length : target.interests.length,
  });
  deps.onAccepted();
  return { publishId };
}

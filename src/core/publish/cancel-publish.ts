import { formatPublishId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { PublishCommands, PublishKey } from '../ports/publish-store.ts';

export interface CancelPublishDeps {
  readonly store: Pick<PublishCommands, 'cancelPublishes'>;
  readonly log: Log;
  /** The closing messages of a publish may be due. */
  readonly onMessages: () => void;
  /** Called after the commit: of very many deferred deliveries, some are left to be dropped. */
  readonly onCanceled: () => void;
}

/**
 * Ends a publish that is scheduled or still going out; what is on its way arrives and is counted. `finished`: too late.
 * Rejects with `StoreUnavailable`.
 */
export async function cancelPublish(
  deps: CancelPublishDeps,
  { instanceId, publishId }: PublishKey,
): Promise<'canceled' | 'finished' | 'unknown-publish'> {
  const result = await runOne(deps.store.cancelPublishes, { instanceId, publishId });
  deps.log.info('publish.cancel', { instanceId, publishId: formatPublishId(publishId), result });
  if (result === 'canceled') {
    deps.onMessages();
    deps.onCanceled();
  }
  return result;
}

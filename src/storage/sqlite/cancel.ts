import type { DatabaseSync } from 'node:sqlite';
import type { PublishCommands, PublishKey } from '../../core/ports/publish-store.ts';
import { prepareFinish } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

export function prepareCancelPublishes(
  db: DatabaseSync,
): CommandHandlers<Pick<PublishCommands, 'cancelPublishes'>>['cancelPublishes'] {
  const findPublish = prepare<{ finished_at: number | null }>(
    db,
    'SELECT finished_at FROM publishes WHERE instance_id = ? AND id = ?',
  );
  const markCanceled = prepare(
    db,
    'UPDATE publishes SET canceled_at = coalesce(canceled_at, ?) WHERE instance_id = ? AND id = ?',
  );
  const dropUnclaimed = prepareDropUnclaimed(db);
  return ({ instanceId, publishId }) => {
    const publish = findPublish.get(instanceId, publishId);
    if (!publish) return 'unknown-publish';
    if (publish.finished_at !== null) return 'finished';
    markCanceled.run(Date.now(), instanceId, publishId);
    dropUnclaimed({ instanceId, publishId });
    return 'canceled';
  };
}

/**
 * Takes away what a canceled publish has left to do and nobody works on: what is claimed is recorded by whoever holds it,
 * or comes here when its lease has run out. Finishes the publish when nothing is left.
 */
export function prepareDropUnclaimed(db: DatabaseSync): (publish: PublishKey) => void {
  const dropRanges = prepare(
    db,
    'DELETE FROM ranges WHERE instance_id = ? AND publish_id = ? AND (claim_token IS NULL OR due_at <= ?)',
  );
  const dropDeliveries = prepare(
    db,
    'DELETE FROM deferred_deliveries WHERE instance_id = ? AND publish_id = ? AND (claim_token IS NULL OR due_at <= ?)',
  );
  const finish = prepareFinish(db);
  return (publish) => {
    const now = Date.now();
    dropRanges.run(publish.instanceId, publish.publishId, now);
    dropDeliveries.run(publish.instanceId, publish.publishId, now);
    finish(publish);
  };
}

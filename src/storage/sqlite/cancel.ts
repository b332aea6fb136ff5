import type { DatabaseSync } from 'node:sqlite';
import type { PublishCommands, PublishKey } from '../../core/ports/publish-store.ts';
import { droppedAtATime } from '../rows/dropped-at-a-time.ts';
import { prepareFinish } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import type { Outbox } from './outbox.ts';
import { prepare } from './statement.ts';

export function prepareCancelPublishes(
  db: DatabaseSync,
  outbox: Outbox,
): CommandHandlers<Pick<PublishCommands, 'cancelPublishes'>>['cancelPublishes'] {
  const findPublish = prepare<{ finished_at: number | null }>(
    db,
    'SELECT finished_at FROM publishes WHERE instance_id = ? AND id = ?',
  );
  const markCanceled = prepare(
    db,
    'UPDATE publishes SET canceled_at = coalesce(canceled_at, ?) WHERE instance_id = ? AND id = ?',
  );
  const dropUnclaimed = prepareDropUnclaimed(db, outbox);
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
 * or comes here when its lease has run out. Of very many deferred deliveries some are left, and one of them is due: whoever
 * claims it comes here again. Finishes the publish when nothing is left.
 */
export function prepareDropUnclaimed(db: DatabaseSync, outbox: Outbox): (publish: PublishKey) => void {
  const dropRanges = prepare(
    db,
    'DELETE FROM ranges WHERE instance_id = ? AND publish_id = ? AND (claim_token IS NULL OR due_at <= ?)',
  );
  const some = `instance_id = ?1 AND publish_id = ?2 AND device_number IN (SELECT device_number FROM deferred_deliveries
    WHERE instance_id = ?1 AND publish_id = ?2 AND (claim_token IS NULL OR due_at <= ?3) LIMIT ?4)`;
  const dropDeliveries = prepare(db, `DELETE FROM deferred_deliveries WHERE ${some}`);
  const hurry = prepare(db, `UPDATE deferred_deliveries SET due_at = min(due_at, ?3) WHERE ${some}`);
  const finish = prepareFinish(db, outbox);
  return (publish) => {
    const of = [publish.instanceId, publish.publishId, Date.now()] as const;
    dropRanges.run(...of);
    const dropped = dropDeliveries.run(...of, droppedAtATime);
    if (dropped === droppedAtATime && hurry.run(...of, 1) > 0) return;
    finish(publish);
  };
}

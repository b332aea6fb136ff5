import type { DatabaseSync } from 'node:sqlite';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Outbox } from './outbox.ts';
import { prepare } from './statement.ts';

interface Finished extends PublishKey {
  readonly targetKind: string;
  /** Null: it has no `webhookUrl`. */
  readonly urlTarget: string | null;
}

/** Whether a publish was closed. */
export function prepareIsFinished(db: DatabaseSync): (publish: PublishKey) => boolean {
  const find = prepare<{ finished: 0 | 1 }>(
    db,
    'SELECT finished_at IS NOT NULL AS finished FROM publishes WHERE instance_id = ? AND id = ?',
  );
  return ({ instanceId, publishId }) => find.get(instanceId, publishId)?.finished === 1;
}

/** Closes a publish once no range and no deferred delivery of it is left; answers whether it did. */
export function prepareFinish(db: DatabaseSync, outbox: Outbox): (publish: PublishKey) => boolean {
  const finish = prepare<{ target_kind: string; url_target: string | null }>(
    db,
    `UPDATE publishes SET finished_at = ?3
     WHERE instance_id = ?1 AND id = ?2 AND finished_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM ranges WHERE instance_id = ?1 AND publish_id = ?2)
       AND NOT EXISTS (SELECT 1 FROM deferred_deliveries WHERE instance_id = ?1 AND publish_id = ?2)
     RETURNING target_kind, url_target`,
  );
  const close = prepareClose(db, outbox);

  return ({ instanceId, publishId }) => {
    const finished = finish.get(instanceId, publishId, Date.now());
    if (!finished) return false;
    close({ instanceId, publishId, targetKind: finished.target_kind, urlTarget: finished.url_target });
    return true;
  };
}

/** Writes the closing messages of a publish that has just been finished. */
export function prepareClose(db: DatabaseSync, outbox: Outbox): (publish: Finished) => void {
  const startedIsUntried = prepare<{ found: 1 }>(
    db,
    `SELECT 1 AS found FROM messages INDEXED BY messages_of_publish
     WHERE instance_id = ? AND publish_id = ? AND event_type IN ('publish.started', 'publish.finished')
       AND event_type = 'publish.started' AND attempts = 0 AND state = 'waiting'`,
  );

  return ({ targetKind, urlTarget, ...publish }) => {
    if (targetKind === 'users') {
      const type = 'v1.PublishToUsersAttempt';
      outbox.addToSubscribers({ ...outbox.addEvent(publish, type), type });
    }
    if (urlTarget !== null) {
      // FINISHED must not overtake STARTED's first attempt: that attempt's completion makes it due.
      const held = startedIsUntried.get(publish.instanceId, publish.publishId) !== undefined;
      outbox.addToUrl(outbox.addEvent(publish, 'publish.finished'), urlTarget, held);
    }
  };
}

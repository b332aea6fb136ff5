import type { PublishCommands, PublishKey } from '../../core/ports/publish-store.ts';
import { droppedAtATime } from '../rows/dropped-at-a-time.ts';
import type { Sql } from './database.ts';
import { finish, lock } from './finish.ts';
import type { CommandHandlers } from './handlers.ts';
import { each } from './handlers.ts';

const findPublish = 'SELECT finished_at FROM publishes WHERE instance_id = $1 AND id = $2 FOR UPDATE';
const markCanceled = `
  UPDATE publishes SET canceled_at = pharos_now() WHERE instance_id = $1 AND id = $2 AND canceled_at IS NULL`;
// Who holds one of these at the moment has claimed it, or looks at the publish again before it gives it back.
const dropRanges = `
  DELETE FROM ranges WHERE instance_id = $1 AND publish_id = $2 AND number = ANY(ARRAY(
    SELECT number FROM ranges
    WHERE instance_id = $1 AND publish_id = $2 AND (claim_token IS NULL OR due_at <= pharos_now())
    FOR UPDATE SKIP LOCKED))`;
// By their place: without statistics the database might look through all of the publish for each of them.
const some = (limit: string): string => `
  ctid = ANY(ARRAY(
    SELECT ctid FROM deferred_deliveries
    WHERE instance_id = $1 AND publish_id = $2 AND (claim_token IS NULL OR due_at <= pharos_now())
    LIMIT ${limit} FOR UPDATE SKIP LOCKED))`;
const dropDeliveries = `DELETE FROM deferred_deliveries WHERE ${some('$3')}`;
const hurryOne = `UPDATE deferred_deliveries SET due_at = least(due_at, pharos_now()) WHERE ${some('1')}`;

export const cancelCommands: CommandHandlers<Pick<PublishCommands, 'cancelPublishes'>> = {
  cancelPublishes: each(async (sql, publish) => {
    const key = [publish.instanceId, publish.publishId];
    const found = await sql.get<{ finished_at: number | null }>(findPublish, key);
    if (!found) return 'unknown-publish';
    if (found.finished_at !== null) return 'finished';
    await sql.run(markCanceled, key);
    await dropUnclaimed(sql, publish);
    return 'canceled';
  }),
};

/**
 * Takes away what a canceled publish has left to do and nobody works on: what is claimed is recorded by whoever holds it,
 * or comes here when its lease has run out. Of very many deferred deliveries some are left, and one of them is due: whoever
 * claims it comes here again. Finishes the publish when nothing is left.
 */
export async function dropUnclaimed(sql: Sql, publish: PublishKey): Promise<void> {
  await lock(sql, [publish]);
  await sql.run(dropRanges, [publish.instanceId, publish.publishId]);
  await sql.run(dropDeliveries, [publish.instanceId, publish.publishId, droppedAtATime]);
  if ((await sql.run(hurryOne, [publish.instanceId, publish.publishId])) > 0) return;
  await finish(sql, [publish]);
}

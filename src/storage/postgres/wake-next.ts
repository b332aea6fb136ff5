import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Sql } from './database.ts';
import { toColumns } from './finish.ts';

const wake = `
  UPDATE ranges SET due_at = pharos_now()
  WHERE (instance_id, publish_id, number) IN (
    SELECT r.instance_id, r.publish_id, min(r.number)
    FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[])) AS k (instance_id, publish_id)
      JOIN ranges r ON r.instance_id = k.instance_id AND r.publish_id = k.publish_id
    WHERE r.due_at IS NULL AND NOT EXISTS (
      SELECT FROM ranges w
      WHERE w.instance_id = k.instance_id AND w.publish_id = k.publish_id AND w.claim_token IS NULL
        AND w.due_at IS NOT NULL)
    GROUP BY r.instance_id, r.publish_id)`;

/** Makes one of the ranges that rest due, of each of these publishes of which none waits. Whoever calls it has locked the publishes. */
export const wakeNext = async (sql: Sql, publishes: readonly PublishKey[]): Promise<void> =>
  void (await sql.run(wake, toColumns(publishes)));

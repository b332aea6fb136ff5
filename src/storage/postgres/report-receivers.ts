import type { RecordReport } from '../../core/ports/report-store.ts';
import type { Sql } from './database.ts';

/**
 * Who a report is from. The receiver is the registration that got the push: the one that reports, or the one that was at
 * its address when the publish was accepted. When there was none, the report is taken, and is nobody's.
 */
export interface Receiver {
  readonly deviceNumber: number;
  readonly address: string;
  /** Who had it when the publish was delivered, as far as the rows tell (docs/decisions/0007). */
  readonly userNumber: number | null;
  /** Null also when the user was erased. */
  readonly userName: string | null;
}

interface Row {
  publish_found: boolean;
  number: number | null;
  address: string;
  user_number: number | null;
  user_name: string | null;
}

const find = `
  SELECT p.id IS NOT NULL AS publish_found, coalesce(receiver.number, d.number) AS number, d.address,
    u.number AS user_number, u.name AS user_name
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])
      WITH ORDINALITY AS r (instance_id, publish_id, platform, device_id, place)
    LEFT JOIN LATERAL (
      SELECT id, target_kind, finished_at, greatest(accepted_at, coalesce(send_after, 0)) AS began_at FROM publishes
      WHERE instance_id = r.instance_id AND id = r.publish_id
    ) p ON true
    LEFT JOIN devices d
      ON p.id IS NOT NULL AND d.instance_id = r.instance_id AND d.platform = r.platform AND d.id = r.device_id
    LEFT JOIN LATERAL (
      SELECT d.number, d.user_number, d.user_since WHERE d.created_at <= p.began_at
      UNION ALL
      (SELECT number, user_number, user_since FROM devices
       WHERE d.created_at > p.began_at AND address_hash = d.address_hash AND number < d.number AND gone_at IS NOT NULL
         AND instance_id = d.instance_id AND platform = d.platform AND address = d.address
         AND created_at <= p.began_at AND gone_at >= p.began_at
       ORDER BY number DESC LIMIT 1)
    ) receiver ON true
    LEFT JOIN users u ON u.number = receiver.user_number AND CASE p.target_kind
      WHEN 'users' THEN EXISTS (SELECT FROM publish_users t
        WHERE t.instance_id = r.instance_id AND t.publish_id = p.id AND t.user_number = receiver.user_number OFFSET 0)
      ELSE p.finished_at IS NULL OR receiver.user_since <= p.finished_at
    END
  ORDER BY r.place`;

/** Of each report, in order. */
export async function findReceivers(
  sql: Sql,
  reports: readonly RecordReport[],
): Promise<readonly (Receiver | 'unknown-publish' | 'unknown-device')[]> {
  const rows = await sql.all<Row>(find, [
    reports.map(({ instanceId }) => instanceId),
    reports.map(({ publishId }) => publishId),
    reports.map(({ platform }) => platform),
    reports.map(({ deviceId }) => deviceId),
  ]);
  return rows.map((row) => {
    if (!row.publish_found) return 'unknown-publish';
    if (row.number === null) return 'unknown-device';
    return {
      deviceNumber: row.number,
      address: row.address,
      userNumber: row.user_number,
      userName: row.user_name,
    };
  });
}

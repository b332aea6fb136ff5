import type { DeviceKey } from '../../core/ports/device-store.ts';
import type { Sql } from './database.ts';

interface LivingDevice {
  readonly number: number;
  readonly user_number: number | null;
}

// `coalesce`: found by its id alone; of those that are not gone there seem to be few, when nothing is known of the table.
const select = `SELECT number, user_number FROM devices
  WHERE instance_id = $1 AND platform = $2 AND id = $3 AND coalesce(gone_at, 0) = 0`;

export const findDevice = (sql: Sql, key: DeviceKey): Promise<LivingDevice | undefined> =>
  sql.get<LivingDevice>(select, [key.instanceId, key.platform, key.deviceId]);

/** Until the transaction ends, nobody else changes the device, what belongs to it, or makes it a tombstone. */
export const lockDevice = (sql: Sql, key: DeviceKey): Promise<LivingDevice | undefined> =>
  sql.get<LivingDevice>(`${select} FOR NO KEY UPDATE`, [key.instanceId, key.platform, key.deviceId]);

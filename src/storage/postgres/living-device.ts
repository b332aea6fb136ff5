import type { DeviceKey } from '../../core/ports/device-store.ts';
import type { Sql } from './database.ts';

interface LivingDevice {
  readonly number: number;
  readonly user_number: number | null;
}

const select = `SELECT number, user_number FROM devices
  WHERE instance_id = $1 AND platform = $2 AND id = $3 AND gone_at IS NULL`;

export const findDevice = (sql: Sql, key: DeviceKey): Promise<LivingDevice | undefined> =>
  sql.get<LivingDevice>(select, [key.instanceId, key.platform, key.deviceId]);

/** Until the transaction ends, nobody else changes the device, what belongs to it, or makes it a tombstone. */
export const lockDevice = (sql: Sql, key: DeviceKey): Promise<LivingDevice | undefined> =>
  sql.get<LivingDevice>(`${select} FOR NO KEY UPDATE`, [key.instanceId, key.platform, key.deviceId]);

import type { DeviceCommands, DeviceQueries, DeviceRecord } from '../../core/ports/device-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { findDevice, lockDevice } from './living-device.ts';
import { tombstone } from './tombstone.ts';

const replaceInterests = `
  WITH gone AS (
    DELETE FROM device_interests WHERE instance_id = $1 AND device_number = $2 AND interest <> ALL ($3::text[])
  )
  INSERT INTO device_interests (instance_id, interest, device_number) SELECT DISTINCT $1::uuid, unnest($3::text[]), $2::bigint
  ON CONFLICT (instance_id, interest, device_number) DO NOTHING`;
const countInterests = `
  SELECT count(*) AS count, coalesce(bool_or(interest = $3), false) AS has FROM device_interests
  WHERE instance_id = $1 AND device_number = $2`;

type Commands = Pick<
  DeviceCommands,
  'removeDevices' | 'updateDeviceMetadata' | 'replaceInterests' | 'addInterests' | 'removeInterests'
>;

export const deviceCommands: CommandHandlers<Commands> = {
  removeDevices: each(async (sql, key) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    await tombstone(sql, key.instanceId, device.number, 'removed');
    return 'removed';
  }),
  updateDeviceMetadata: each(async (sql, { metadata, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    await sql.run('UPDATE devices SET metadata = $1 WHERE number = $2', [metadata, device.number]);
    return 'updated';
  }),
  replaceInterests: each(async (sql, { interests, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    await sql.run(replaceInterests, [key.instanceId, device.number, interests]);
    return 'replaced';
  }),
  addInterests: each(async (sql, { interest, maxInterests, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    const values = [key.instanceId, device.number, interest];
    const present = await sql.get<{ count: number; has: boolean }>(countInterests, values);
    if (present?.has) return 'added';
    if (present && present.count >= maxInterests) return 'too-many-interests';
    await sql.run('INSERT INTO device_interests (instance_id, device_number, interest) VALUES ($1, $2, $3)', values);
    return 'added';
  }),
  removeInterests: each(async (sql, { interest, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    const remove = 'DELETE FROM device_interests WHERE instance_id = $1 AND device_number = $2 AND interest = $3';
    await sql.run(remove, [key.instanceId, device.number, interest]);
    return 'removed';
  }),
};

const findRecord = `
  SELECT d.metadata, d.bundle_identifier AS "bundleIdentifier", u.name AS user
  FROM devices d LEFT JOIN users u ON u.number = d.user_number
  WHERE d.instance_id = $1 AND d.platform = $2 AND d.id = $3 AND d.gone_at IS NULL`;
const listInterests = `
  SELECT interest FROM device_interests WHERE instance_id = $1 AND device_number = $2 AND interest > $3
  ORDER BY interest LIMIT $4`;

export const deviceQueries: QueryHandlers<Omit<DeviceQueries, 'listTags'>> = {
  findDevice: async (sql, { instanceId, platform, deviceId }) => {
    const values = [instanceId, platform, deviceId];
    const row = await sql.get<Omit<DeviceRecord, 'platform' | 'deviceId'>>(findRecord, values);
    return row ? { ...row, platform, deviceId } : null;
  },
  listInterests: async (sql, { after, limit, ...key }) => {
    const device = await findDevice(sql, key);
    if (!device) return null;
    const rows = await sql.all<{ interest: string }>(listInterests, [key.instanceId, device.number, after, limit]);
    return rows.map(({ interest }) => interest);
  },
};

import type { DeviceCommands, DeviceQueries } from '../../core/ports/device-store.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { findDevice, lockDevice } from './living-device.ts';
import { useName } from './use-name.ts';

const setTags = `
  INSERT INTO device_tags (instance_id, device_number, key, value)
  SELECT $1, $2, key, value FROM unnest($3::text[], $4::text[]) AS t (key, value)
  ON CONFLICT (instance_id, device_number, key) DO UPDATE SET value = excluded.value
  WHERE device_tags.value <> excluded.value`;
const deleteTags = 'DELETE FROM device_tags WHERE instance_id = $1 AND device_number = $2 AND key = ANY($3)';

/** What a page says about its device: a claimed name, tags, and whether the visitor wants pushes. */
export const devicePageCommands: CommandHandlers<
  Pick<DeviceCommands, 'setDeviceAliases' | 'muteDevices' | 'changeTags'>
> = {
  setDeviceAliases: each(async (sql, { alias, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    const name = alias === null ? null : await useName(sql, key.instanceId, alias);
    await sql.run('UPDATE devices SET alias_number = $1 WHERE number = $2', [name, device.number]);
    return 'set';
  }),
  muteDevices: each(async (sql, { muted, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    const mute = 'UPDATE devices SET muted_at = CASE WHEN $1 THEN pharos_now() END WHERE number = $2';
    await sql.run(mute, [muted, device.number]);
    return 'set';
  }),
  changeTags: each(async (sql, { tags, maxTags, ...key }) => {
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    const { instanceId } = key;
    const list = 'SELECT key FROM device_tags WHERE instance_id = $1 AND device_number = $2';
    const rows = await sql.all<{ key: string }>(list, [instanceId, device.number]);
    const keys = new Set(rows.map((row) => row.key));
    const set: [string, string][] = [];
    const deleted: string[] = [];
    for (const [tag, value] of Object.entries(tags)) {
      if (value === null) {
        keys.delete(tag);
        deleted.push(tag);
      } else {
        keys.add(tag);
        set.push([tag, value]);
      }
    }
    if (keys.size > maxTags) return 'too-many-tags';
    if (deleted.length > 0) await sql.run(deleteTags, [instanceId, device.number, deleted]);
    if (set.length > 0) {
      await sql.run(setTags, [instanceId, device.number, set.map(([tag]) => tag), set.map(([, value]) => value)]);
    }
    return 'changed';
  }),
};

export const devicePageQueries: QueryHandlers<Pick<DeviceQueries, 'listTags'>> = {
  listTags: async (sql, key) => {
    const device = await findDevice(sql, key);
    if (!device) return null;
    const list = 'SELECT key, value FROM device_tags WHERE instance_id = $1 AND device_number = $2 ORDER BY key';
    const rows = await sql.all<{ key: string; value: string }>(list, [key.instanceId, device.number]);
    return rows.map((row) => [row.key, row.value] as const);
  },
};

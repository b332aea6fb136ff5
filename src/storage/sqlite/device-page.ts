import type { DatabaseSync } from 'node:sqlite';
import type { DeviceCommands, DeviceKey, DeviceQueries } from '../../core/ports/device-store.ts';
import { dayOf } from '../rows/day.ts';
import { hasKey, keyValues } from './device-key.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';
import { prepareUseName } from './use-name.ts';

const findLiving = (db: DatabaseSync) => {
  const find = prepare<{ number: number }>(db, `SELECT d.number FROM devices d WHERE ${hasKey} AND d.gone_at IS NULL`);
  return (key: DeviceKey) => find.get(...keyValues(key));
};

/** What a page says about its device: a claimed name, tags, and whether the visitor wants pushes. */
export function prepareDevicePageCommands(
  db: DatabaseSync,
): CommandHandlers<Pick<DeviceCommands, 'setDeviceAliases' | 'muteDevices' | 'changeTags'>> {
  const findDevice = findLiving(db);
  const useName = prepareUseName(db);
  const setAlias = prepare(db, 'UPDATE devices SET alias_number = ? WHERE number = ?');
  const mute = prepare(db, 'UPDATE devices SET muted_at = ? WHERE number = ?');
  const setTag = prepare(
    db,
    `INSERT INTO device_tags (instance_id, device_number, key, value) VALUES (?, ?, ?, ?)
     ON CONFLICT (instance_id, device_number, key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`,
  );
  const deleteTag = prepare(db, 'DELETE FROM device_tags WHERE instance_id = ? AND device_number = ? AND key = ?');
  const listKeys = prepare<{ key: string }>(
    db,
    'SELECT key FROM device_tags WHERE instance_id = ? AND device_number = ?',
  );

  return {
    setDeviceAliases: ({ alias, ...key }) => {
      const device = findDevice(key);
      if (!device) return 'unknown-device';
      if (alias === null) {
        setAlias.run(null, device.number);
        return 'set';
      }
      const name = useName.get(key.instanceId, alias, dayOf(Date.now()));
      if (!name) throw new Error('a name was inserted without a number');
      setAlias.run(name.number, device.number);
      return 'set';
    },
    muteDevices: ({ muted, ...key }) => {
      const device = findDevice(key);
      if (!device) return 'unknown-device';
      mute.run(muted ? Date.now() : null, device.number);
      return 'set';
    },
    changeTags: ({ tags, maxTags, ...key }) => {
      const device = findDevice(key);
      if (!device) return 'unknown-device';
      const keys = new Set(listKeys.all(key.instanceId, device.number).map((row) => row.key));
      for (const [tag, value] of Object.entries(tags)) {
        if (value === null) keys.delete(tag);
        else keys.add(tag);
      }
      if (keys.size > maxTags) return 'too-many-tags';
      for (const [tag, value] of Object.entries(tags)) {
        if (value === null) deleteTag.run(key.instanceId, device.number, tag);
        else setTag.run(key.instanceId, device.number, tag, value);
      }
      return 'changed';
    },
  };
}

export function prepareDevicePageQueries(db: DatabaseSync): QueryHandlers<Pick<DeviceQueries, 'listTags'>> {
  const findDevice = findLiving(db);
  const listTags = prepare<{ key: string; value: string }>(
    db,
    'SELECT key, value FROM device_tags WHERE instance_id = ? AND device_number = ? ORDER BY key',
  );
  return {
    listTags: (key) => {
      const device = findDevice(key);
      return device ? listTags.all(key.instanceId, device.number).map((row) => [row.key, row.value] as const) : null;
    },
  };
}

import type { DatabaseSync } from 'node:sqlite';
import type { DeviceCommands, DeviceQueries } from '../../core/ports/device-store.ts';
import { addressHash } from '../rows/address-hash.ts';
import { hasKey, keyValues } from './device-key.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { dayOf } from '../rows/day.ts';
import { filesOf } from '../rows/filed-attempts.ts';
import type { MessageRow } from '../rows/message-row.ts';
import type { MessageLeases } from './message-leases.ts';
import { prepare } from './statement.ts';
import { prepareTombstone } from './tombstone.ts';

const livingDevice = `${hasKey} AND d.gone_at IS NULL`;

type RegistryCommands = Omit<DeviceCommands, 'setDeviceAliases' | 'muteDevices' | 'changeTags'>;

export function prepareDeviceCommands(
  db: DatabaseSync,
  leases: Pick<MessageLeases, 'rowsOf'>,
): CommandHandlers<RegistryCommands> {
  const findByAddress = prepare<{ number: number; id: string }>(
    db,
    `SELECT number, id FROM devices
     WHERE address_hash = ? AND instance_id = ? AND platform = ? AND address = ? AND gone_at IS NULL`,
  );
  // Node 22 binds an empty array that came from another thread as NULL: phones have no keys.
  const insertDevice = prepare(
    db,
    `INSERT INTO devices (instance_id, platform, id, address, address_hash, keys, metadata, bundle_identifier,
       created_at, registered_at)
     VALUES (?, ?, ?, ?, ?, ifnull(?, x''), ?, ?, ?9, ?9)`,
  );
  const countDevices = prepare<{ living: number }>(db, 'SELECT living FROM device_counts WHERE instance_id = ?');
  const countOneMore = prepare(
    db,
    `INSERT INTO device_counts (instance_id, living) VALUES (?, 1)
     ON CONFLICT (instance_id) DO UPDATE SET living = living + 1`,
  );
  const updateRegistration = prepare(
    db,
    `UPDATE devices SET keys = ifnull(?, x''), metadata = ?, bundle_identifier = ?, registered_at = ?
     WHERE number = ?`,
  );
  const updateAddress = prepare(
    db,
    'UPDATE devices SET address = ?, address_hash = ?, keys = coalesce(?, keys), registered_at = ? WHERE number = ?',
  );
  const findDevice = prepare<{ number: number; user_number: number | null }>(
    db,
    `SELECT d.number, d.user_number FROM devices d WHERE ${livingDevice}`,
  );
  const updateMetadata = prepare(db, `UPDATE devices AS d SET metadata = ? WHERE ${livingDevice}`);

  const findUser = prepare<{ number: number }>(db, 'SELECT number FROM users WHERE instance_id = ? AND name = ?');
  const insertUser = prepare<{ number: number }>(
    db,
    'INSERT INTO users (instance_id, name, last_used_day) VALUES (?, ?, ?) RETURNING number',
  );
  const countUserDevices = prepare<{ count: number }>(
    db,
    `SELECT count(*) AS count FROM devices
     WHERE instance_id = ? AND user_number = ? AND gone_at IS NULL AND platform = ?`,
  );
  const setUser = prepare(db, 'UPDATE devices SET user_number = ?, user_since = ? WHERE number = ?');
  const listUserDevices = prepare<{ number: number }>(
    db,
    'SELECT number FROM devices WHERE instance_id = ? AND user_number = ? AND gone_at IS NULL',
  );
  const eraseName = prepare(db, 'UPDATE users SET name = NULL WHERE number = ?');
  // One that is leased may be on its way: its completion drops it if it would be sent again.
  // Targets may answer with what they were told.
  const listMessages = prepare<Pick<MessageRow, 'id' | 'batch_id' | 'left_batches'> & { day: number }>(
    db,
    `SELECT day, id, batch_id, left_batches FROM messages INDEXED BY messages_about_user
     WHERE instance_id = ? AND user_number = ? AND attempts > 0`,
  );
  const eraseResponses = prepare(
    db,
    `UPDATE attempts SET response_headers = NULL, response_body = NULL, request_hash = NULL
     WHERE instance_id = ? AND day = ? AND message_id = ?`,
  );
  const dropMessages = prepare(
    db,
    `UPDATE messages SET state = 'dropped', drop_reason = 'user-erased', due_at = NULL
     WHERE instance_id = ? AND user_number = ? AND state IN ('waiting', 'held') AND claim_token IS NULL
       AND rowid NOT IN (SELECT value FROM json_each(?))`,
  );

  const listInterests = prepare<{ interest: string }>(
    db,
    'SELECT interest FROM device_interests WHERE instance_id = ? AND device_number = ? ORDER BY interest',
  );
  const countInterests = prepare<{ count: number }>(
    db,
    'SELECT count(*) AS count FROM device_interests WHERE instance_id = ? AND device_number = ?',
  );
  const insertInterest = prepare(
    db,
    `INSERT INTO device_interests (instance_id, interest, device_number) VALUES (?, ?, ?)
     ON CONFLICT (instance_id, interest, device_number) DO NOTHING`,
  );
  const hasInterest = prepare<{ found: 1 }>(
    db,
    'SELECT 1 AS found FROM device_interests WHERE instance_id = ? AND interest = ? AND device_number = ?',
  );
  const deleteInterest = prepare(
    db,
    'DELETE FROM device_interests WHERE instance_id = ? AND interest = ? AND device_number = ?',
  );
  const tombstone = prepareTombstone(db);

  const interestsOf = (instanceId: string, number: number) =>
    listInterests.all(instanceId, number).map((row) => row.interest);

  return {
    registerDevices: (device) => {
      const { instanceId, platform, address, keys, deviceId, metadata, bundleIdentifier = null, maxDevices } = device;
      const hash = addressHash(device);
      const known = findByAddress.get(hash, instanceId, platform, address);
      const now = Date.now();
      if (known) {
        updateRegistration.run(keys, metadata, bundleIdentifier, now, known.number);
        const interests = interestsOf(instanceId, known.number);
        return { kind: 'registered', deviceId: known.id, created: false, interests };
      }
      if (maxDevices !== undefined && (countDevices.get(instanceId)?.living ?? 0) >= maxDevices) {
        return { kind: 'too-many-devices' };
      }
      insertDevice.run(instanceId, platform, deviceId, address, hash, keys, metadata, bundleIdentifier, now);
      countOneMore.run(instanceId);
      return { kind: 'registered', deviceId, created: true, interests: [] };
    },
    updateDeviceAddresses: ({ address, keys, ...key }) => {
      const device = findDevice.get(...keyValues(key));
      if (!device) return 'unknown-device';
      const hash = addressHash({ ...key, address });
      const there = findByAddress.get(hash, key.instanceId, key.platform, address);
      if (there && there.number !== device.number) tombstone(key.instanceId, there.number, 'replaced');
      updateAddress.run(address, hash, keys ?? null, Date.now(), device.number);
      return 'updated';
    },
    removeDevices: (key) => {
      const device = findDevice.get(...keyValues(key));
      if (!device) return 'unknown-device';
      tombstone(key.instanceId, device.number, 'removed');
      return 'removed';
    },
    updateDeviceMetadata: (item) =>
      updateMetadata.run(item.metadata, ...keyValues(item)) === 1 ? 'updated' : 'unknown-device',
    setDeviceUsers: (item) => {
      const device = findDevice.get(...keyValues(item));
      if (!device) return 'unknown-device';
      const user = findUser.get(item.instanceId, item.user);
      if (device.user_number !== null) return device.user_number === user?.number ? 'set' : 'has-other-user';
      const others = user ? (countUserDevices.get(item.instanceId, user.number, item.platform)?.count ?? 0) : 0;
      if (others >= item.maxDevices) return 'too-many-devices';
      const number = user?.number ?? insertUser.get(item.instanceId, item.user, dayOf(Date.now()))?.number;
      if (number === undefined) throw new Error('a user was inserted without a number');
      setUser.run(number, Date.now(), device.number);
      return 'set';
    },
    replaceInterests: (item) => {
      const device = findDevice.get(...keyValues(item));
      if (!device) return 'unknown-device';
      const before = new Set(interestsOf(item.instanceId, device.number));
      const after = new Set(item.interests);
      for (const interest of before) {
        if (!after.has(interest)) deleteInterest.run(item.instanceId, interest, device.number);
      }
      for (const interest of after) {
        if (!before.has(interest)) insertInterest.run(item.instanceId, interest, device.number);
      }
      return 'replaced';
    },
    addInterests: (item) => {
      const device = findDevice.get(...keyValues(item));
      if (!device) return 'unknown-device';
      if (hasInterest.get(item.instanceId, item.interest, device.number)) return 'added';
      const count = countInterests.get(item.instanceId, device.number)?.count ?? 0;
      if (count >= item.maxInterests) return 'too-many-interests';
      insertInterest.run(item.instanceId, item.interest, device.number);
      return 'added';
    },
    removeInterests: (item) => {
      const device = findDevice.get(...keyValues(item));
      if (!device) return 'unknown-device';
      deleteInterest.run(item.instanceId, item.interest, device.number);
      return 'removed';
    },
    eraseUsers: ({ instanceId, user }) => {
      const found = findUser.get(instanceId, user);
      if (!found) return { devices: 0, messages: 0 };
      const devices = listUserDevices.all(instanceId, found.number);
      for (const { number } of devices) tombstone(instanceId, number, 'user-erased');
      eraseName.run(found.number);
      for (const message of listMessages.all(instanceId, found.number)) {
        for (const key of filesOf(message).keys()) eraseResponses.run(instanceId, message.day, key);
      }
      return {
        devices: devices.length,
        messages: dropMessages.run(instanceId, found.number, leases.rowsOf(instanceId)),
      };
    },
  };
}

export function prepareDeviceQueries(db: DatabaseSync): QueryHandlers<Omit<DeviceQueries, 'listTags'>> {
  const findDevice = prepare<{
    number: number;
    metadata: string;
    bundle_identifier: string | null;
    user: string | null;
  }>(
    db,
    `SELECT d.number, d.metadata, d.bundle_identifier, u.name AS user
     FROM devices d LEFT JOIN users u ON u.number = d.user_number WHERE ${livingDevice}`,
  );
  const listInterests = prepare<{ interest: string }>(
    db,
    `SELECT interest FROM device_interests WHERE instance_id = ? AND device_number = ? AND interest > ?
     ORDER BY interest LIMIT ?`,
  );

  return {
    findDevice: (key) => {
      const device = findDevice.get(...keyValues(key));
      if (!device) return null;
      const { user, metadata, bundle_identifier: bundleIdentifier } = device;
      return { deviceId: key.deviceId, platform: key.platform, user, metadata, bundleIdentifier };
    },
    listInterests: (query) => {
      const device = findDevice.get(...keyValues(query));
      if (!device) return null;
      return listInterests.all(query.instanceId, device.number, query.after, query.limit).map((row) => row.interest);
    },
  };
}

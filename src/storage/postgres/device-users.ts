import type { DeviceCommands } from '../../core/ports/device-store.ts';
import type { CommandHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { erasureLock } from './instance-locks.ts';
import { lockDevice } from './living-device.ts';
import { eraseMessagesAboutUser } from './message-drops.ts';
import { tombstone } from './tombstone.ts';
import { useName } from './use-name.ts';

const lockUser = 'SELECT number FROM users WHERE instance_id = $1 AND name = $2 FOR UPDATE';
const countDevices = `
  SELECT count(*) AS count FROM devices
  WHERE instance_id = $1 AND user_number = $2 AND gone_at IS NULL AND platform = $3`;
const lockDevices = `
  SELECT number FROM devices WHERE instance_id = $1 AND user_number = $2 AND gone_at IS NULL
  ORDER BY number FOR NO KEY UPDATE`;

/** Whose a device is. Rows of users are locked before those of their devices. */
export const deviceUserCommands: CommandHandlers<Pick<DeviceCommands, 'setDeviceUsers' | 'eraseUsers'>> = {
  setDeviceUsers: each(async (sql, { user: name, maxDevices, ...key }) => {
    const { instanceId, platform } = key;
    const user = await sql.get<{ number: number }>(lockUser, [instanceId, name]);
    const device = await lockDevice(sql, key);
    if (!device) return 'unknown-device';
    if (device.user_number !== null) return device.user_number === user?.number ? 'set' : 'has-other-user';
    if (!user && maxDevices <= 0) return 'too-many-devices';
    // In use today: whoever deletes users that nobody used for long, and has seen this one without a device, finds it so.
    const number = await useName(sql, instanceId, name);
    const others = await sql.get<{ count: number }>(countDevices, [instanceId, number, platform]);
    if (others && others.count >= maxDevices) return 'too-many-devices';
    const setUser = 'UPDATE devices SET user_number = $1, user_since = pharos_now() WHERE number = $2';
    await sql.run(setUser, [number, device.number]);
    return 'set';
  }),
  eraseUsers: each(async (sql, { instanceId, user: name }) => {
    await erasureLock.takeAlone(sql, instanceId);
    const user = await sql.get<{ number: number }>(lockUser, [instanceId, name]);
    if (!user) return { devices: 0, messages: 0 };
    const devices = await sql.all<{ number: number }>(lockDevices, [instanceId, user.number]);
    for (const { number } of devices) await tombstone(sql, instanceId, number, 'user-erased');
    await sql.run('UPDATE users SET name = NULL WHERE number = $1', [user.number]);
    return { devices: devices.length, messages: await eraseMessagesAboutUser(sql, instanceId, user.number) };
  }),
};

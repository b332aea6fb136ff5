import type { DeviceKey } from '../../core/ports/device-store.ts';

type DeviceId = Pick<DeviceKey, 'instanceId' | 'deviceId'>;

/** What the index `devices_by_id` knows a device by. */
export const indexedId = ({ instanceId, deviceId }: DeviceId): string => `${deviceId}${instanceId.slice(28)}`;

/** `WHERE` of the devices `d` that the index has under an `indexedId`: there is one, but for one chance in 2^100. */
export const hasIndexedId = "unhex(d.id || substr(d.instance_id, 29), '-') = unhex(?, '-')";

/** `WHERE` of the devices `d` of an instance that have an id: its values are `idValues`. */
export const hasId = `${hasIndexedId} AND d.id = ? AND d.instance_id = ?`;

export const idValues = (id: DeviceId) => [indexedId(id), id.deviceId, id.instanceId] as const;

/** `WHERE` of the devices `d` that have a key: its values are `keyValues`. */
export const hasKey = `${hasId} AND d.platform = ?`;

export const keyValues = (key: DeviceKey) => [...idValues(key), key.platform] as const;

import type { DeviceKey } from '../../core/ports/device-store.ts';

/** `WHERE` of the devices `d` that have a key: its values are `keyValues`, its index `devices_by_id`. */
export const hasKey =
  "unhex(d.id, '-') = unhex(?, '-') AND unhex(d.instance_id, '-') = unhex(?, '-') AND d.platform = ?";

export const keyValues = (key: DeviceKey) => [key.deviceId, key.instanceId, key.platform] as const;

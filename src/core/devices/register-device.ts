import { formatDeviceId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { DeviceCommands, DeviceRegistration, RegisterDevice } from '../ports/device-store.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { Log } from '../ports/log.ts';

export interface RegisterDeviceDeps {
  readonly store: Pick<DeviceCommands, 'registerDevices'>;
  readonly ids: Pick<IdSource, 'unguessable'>;
  readonly log: Log;
  /** Living devices that an instance may have. */
  readonly maxDevices: number;
}

/** Registers a device of any platform, or finds the one that its address already is. Rejects with `StoreUnavailable`. */
export async function registerDevice(
  deps: RegisterDeviceDeps,
  device: Omit<RegisterDevice, 'deviceId' | 'maxDevices'>,
): Promise<DeviceRegistration> {
  const { instanceId, platform } = device;
  const { maxDevices } = deps;
  const result = await runOne(deps.store.registerDevices, { ...device, deviceId: deps.ids.unguessable(), maxDevices });
  if (result.kind === 'registered') {
    const deviceId = formatDeviceId(platform, result.deviceId);
    deps.log.info('device.registered', { instanceId, deviceId, created: result.created });
  } else {
    deps.log.warn('device.refused', {
      instanceId,
      platform,
      maxDevices,
      mend: 'set PHAROS_MAX_DEVICES_PER_INSTANCE higher, or find out who registers so many',
    });
  }
  return result;
}

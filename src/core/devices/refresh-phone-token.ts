import { formatDeviceId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { DeviceCommands, DeviceKey } from '../ports/device-store.ts';
import type { Log } from '../ports/log.ts';
import type { PhonePlatform } from './phone-token.ts';
import { normalizePhoneToken } from './phone-token.ts';

export interface RefreshPhoneTokenDeps {
  readonly store: Pick<DeviceCommands, 'updateDeviceAddresses'>;
  readonly log: Log;
}

/** The gateway gave the app on a phone a new token. Rejects with `StoreUnavailable`. */
export async function refreshPhoneToken(
  deps: RefreshPhoneTokenDeps,
  key: DeviceKey & { readonly platform: PhonePlatform },
  token: string,
): Promise<'updated' | 'unknown-device' | 'unusable-token'> {
  const address = normalizePhoneToken(key.platform, token);
  if (address === null) return 'unusable-token';
  const result = await runOne(deps.store.updateDeviceAddresses, { ...key, address });
  const deviceId = formatDeviceId(key.platform, key.deviceId);
  deps.log.info('device.token-refreshed', { instanceId: key.instanceId, deviceId, result });
  return result;
}

import type { DeviceRegistration } from '../ports/device-store.ts';
import type { PhonePlatform } from './phone-token.ts';
import { normalizePhoneToken } from './phone-token.ts';
import type { RegisterDeviceDeps } from './register-device.ts';
import { registerDevice } from './register-device.ts';

export interface RegisterPhone {
  readonly instanceId: string;
  readonly platform: PhonePlatform;
  /** As Firebase or Apple gave it to the app. */
  readonly token: string;
  /** JSON text of an object. */
  readonly metadata: string;
  readonly bundleIdentifier: string | null;
}

/** Registers an app on a phone, or finds the device it already is. Rejects with `StoreUnavailable`. */
export async function registerPhone(
  deps: RegisterDeviceDeps,
  { instanceId, platform, token, metadata, bundleIdentifier }: RegisterPhone,
): Promise<DeviceRegistration | { readonly kind: 'unusable-token' }> {
  const address = normalizePhoneToken(platform, token);
  if (address === null) return { kind: 'unusable-token' };
  return registerDevice(deps, {
    instanceId,
    platform,
    address,
    keys: new Uint8Array(0),
    metadata,
    ...(bundleIdentifier !== null && { bundleIdentifier }),
  });
}

import { ECDH } from 'node:crypto';
import { formatDeviceId } from '../../protocol/ids.ts';
import { runOne } from '../ports/command.ts';
import type { DeviceCommands } from '../ports/device-store.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { Log } from '../ports/log.ts';
import type { PushEndpointRules } from '../ports/push-endpoint-rules.ts';

export interface RegisterWebDeviceDeps {
  readonly store: Pick<DeviceCommands, 'registerDevices'>;
  readonly endpointRules: PushEndpointRules;
  readonly ids: Pick<IdSource, 'random'>;
  readonly log: Log;
}

/** A browser's push subscription, decoded. */
export interface WebSubscription {
  readonly endpoint: string;
  readonly p256dh: Uint8Array;
  readonly auth: Uint8Array;
}

export interface RegisterWebDevice {
  readonly instanceId: string;
  readonly subscription: WebSubscription;
  /** JSON text of an object. */
  readonly metadata: string;
}

export type WebRegistration =
  | { readonly kind: 'registered'; readonly deviceId: string; readonly interests: readonly string[] }
  /** The part of the subscription that cannot be used, and why, in words fit for an API's answer. */
  | { readonly kind: 'refused'; readonly part: keyof WebSubscription; readonly reason: string };

/** Registers a browser, or finds the device it already is. Rejects with `StoreUnavailable`. */
export async function registerWebDevice(
  deps: RegisterWebDeviceDeps,
  { instanceId, subscription, metadata }: RegisterWebDevice,
): Promise<WebRegistration> {
  const { endpoint, p256dh, auth } = subscription;
  const refusal = deps.endpointRules.refusal(endpoint);
  if (refusal !== null) return { kind: 'refused', part: 'endpoint', reason: refusal };
  if (!isPoint(p256dh)) {
    return { kind: 'refused', part: 'p256dh', reason: 'expected an uncompressed point on P-256 (65 bytes)' };
  }
  // RFC 8291, section 3.2: the authentication secret is 16 octets.
  if (auth.length !== 16) return { kind: 'refused', part: 'auth', reason: 'expected 16 bytes' };
  const { deviceId, created, interests } = await runOne(deps.store.registerDevices, {
    instanceId,
    platform: 'web',
    deviceId: deps.ids.random(),
    address: endpoint,
    keys: Buffer.concat([p256dh, auth]),
    metadata,
  });
  deps.log.info('device.registered', { instanceId, deviceId: formatDeviceId('web', deviceId), created });
  return { kind: 'registered', deviceId, interests };
}

/** RFC 8291, section 3.1: an uncompressed point on P-256. A point off the curve would fail every encryption later. */
function isPoint(key: Uint8Array): boolean {
  if (key.length !== 65 || key[0] !== 4) return false;
  try {
    ECDH.convertKey(key, 'prime256v1');
    return true;
  } catch {
    return false;
  }
}

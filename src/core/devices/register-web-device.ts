import { ECDH } from 'node:crypto';
import type { DeviceRegistration } from '../ports/device-store.ts';
import type { PushEndpointRules } from '../ports/push-endpoint-rules.ts';
import type { RegisterDeviceDeps } from './register-device.ts';
import { registerDevice } from './register-device.ts';

export interface RegisterWebDeviceDeps extends RegisterDeviceDeps {
  readonly endpointRules: PushEndpointRules;
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

/** The part of a subscription that cannot be used, and why, in words fit for an API's answer. */
export interface RefusedSubscription {
  readonly kind: 'refused';
  readonly part: keyof WebSubscription;
  readonly reason: string;
}

export type WebRegistration = DeviceRegistration | RefusedSubscription;

/** Registers a browser, or finds the device it already is. Rejects with `StoreUnavailable`. */
export async function registerWebDevice(
  deps: RegisterWebDeviceDeps,
  { instanceId, subscription, metadata }: RegisterWebDevice,
): Promise<WebRegistration> {
  const { endpoint, p256dh, auth } = subscription;
  const refusal = subscriptionRefusal(deps.endpointRules, subscription);
  if (refusal) return refusal;
  return registerDevice(deps, {
    instanceId,
    platform: 'web',
    address: endpoint,
    keys: Buffer.concat([p256dh, auth]),
    metadata,
  });
}

/** What is wrong with a subscription; null for one that can be sent to. */
export function subscriptionRefusal(
  endpointRules: PushEndpointRules,
  { endpoint, p256dh, auth }: WebSubscription,
): RefusedSubscription | null {
  const refusal = endpointRules.refusal(endpoint);
  if (refusal !== null) return { kind: 'refused', part: 'endpoint', reason: refusal };
  if (!isPoint(p256dh)) {
    return { kind: 'refused', part: 'p256dh', reason: 'expected an uncompressed point on P-256 (65 bytes)' };
  }
  // RFC 8291, section 3.2: the authentication secret is 16 octets.
  if (auth.length !== 16) return { kind: 'refused', part: 'auth', reason: 'expected 16 bytes' };
  return null;
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

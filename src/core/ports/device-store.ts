import type { Platform } from '../../protocol/ids.ts';
import type { Command } from './command.ts';

/** How a gateway reaches a device. */
export interface DeviceAddress {
  readonly platform: Platform;
  /** Web: the subscription's endpoint URL. FCM and APNs: the token. */
  readonly address: string;
  /** Web only: the subscription's public key (65 bytes) and authentication secret (16 bytes); empty otherwise. */
  readonly keys: Uint8Array;
}

export interface RegisterDevice extends DeviceAddress {
  readonly instanceId: string;
  /** UUID for the device, if this address is not known to the instance yet. */
  readonly deviceId: string;
  /** JSON text of an object. */
  readonly metadata: string;
  /** The app on the phone, if it said so; APNs wants it beside the token. */
  readonly bundleIdentifier?: string;
  /** Most living devices of the instance; known addresses always register. Without it there is no such limit. */
  readonly maxDevices?: number;
}

export type DeviceRegistration =
  | {
      readonly kind: 'registered';
      readonly deviceId: string;
      readonly created: boolean;
      readonly interests: readonly string[];
    }
  | { readonly kind: 'too-many-devices' };

export interface DeviceRecord {
  readonly deviceId: string;
  readonly platform: Platform;
  /** User's name; null when the device belongs to nobody. */
  readonly user: string | null;
  /** JSON text of an object. */
  readonly metadata: string;
  readonly bundleIdentifier: string | null;
}

export interface DeviceKey {
  readonly instanceId: string;
  readonly platform: Platform;
  /** UUID. */
  readonly deviceId: string;
}

/** A device that is gone (a tombstone) is unknown to all of these. */
export interface DeviceCommands {
  /**
   * An address known to the instance keeps its device: keys and metadata are replaced, id, user and interests stay.
   * Answers the id and the interests in order.
   */
  readonly registerDevices: Command<RegisterDevice, DeviceRegistration>;
  /** The device is reached elsewhere from now on. Another one that was there is a tombstone: an address has one device. */
  readonly updateDeviceAddresses: Command<
    DeviceKey & {
      readonly address: string;
      /** Of a web device; left out: they stay. */
      readonly keys?: Uint8Array;
    },
    'updated' | 'unknown-device'
  >;
  /** Leaves a tombstone without interests, so that late reports still count. */
  readonly removeDevices: Command<DeviceKey, 'removed' | 'unknown-device'>;
  readonly updateDeviceMetadata: Command<DeviceKey & { readonly metadata: string }, 'updated' | 'unknown-device'>;
  /** `too-many-devices`: the user has `maxDevices` others on this platform. */
  readonly setDeviceUsers: Command<
    DeviceKey & { readonly user: string; readonly maxDevices: number },
    'set' | 'unknown-device' | 'has-other-user' | 'too-many-devices'
  >;
  readonly replaceInterests: Command<
    DeviceKey & { readonly interests: readonly string[] },
    'replaced' | 'unknown-device'
  >;
  readonly addInterests: Command<
    DeviceKey & { readonly interest: string; readonly maxInterests: number },
    'added' | 'unknown-device' | 'too-many-interests'
  >;
  readonly removeInterests: Command<DeviceKey & { readonly interest: string }, 'removed' | 'unknown-device'>;
  /**
   * What the device claims to be called: anybody may claim anything, so this never makes it a user's. Null takes the claim
   * back.
   */
  readonly setDeviceAliases: Command<DeviceKey & { readonly alias: string | null }, 'set' | 'unknown-device'>;
  /** A muted device is part of no audience. */
  readonly muteDevices: Command<DeviceKey & { readonly muted: boolean }, 'set' | 'unknown-device'>;
  /** Sets tags; null deletes one. `too-many-tags`: the device would have more than `maxTags`, and nothing was written. */
  readonly changeTags: Command<
    DeviceKey & { readonly tags: Readonly<Record<string, string | null>>; readonly maxTags: number },
    'changed' | 'unknown-device' | 'too-many-tags'
  >;
  /**
   * Erases the name, removes the user's devices and drops what waits to be sent about the user, except requests that are
   * under way. A user nobody knows is no error.
   */
  readonly eraseUsers: Command<
    { readonly instanceId: string; readonly user: string },
    { readonly devices: number; readonly messages: number }
  >;
}

export interface DeviceQueries {
  /** By key, in byte order; null when the device is unknown. */
  listTags(key: DeviceKey): Promise<readonly (readonly [key: string, value: string])[] | null>;
  findDevice(key: DeviceKey): Promise<DeviceRecord | null>;
  /** Interests after `after` (exclusive) in byte order, at most `limit`; null when the device is unknown. */
  listInterests(key: DeviceKey & { readonly after: string; readonly limit: number }): Promise<readonly string[] | null>;
}

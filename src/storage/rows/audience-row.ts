import type { AudienceDevice, ClaimedRange } from '../../core/ports/publish-store.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import { sdkTracksDelivery } from '../../protocol/delivery-tracking.ts';
import type { Platform } from '../../protocol/ids.ts';

export interface DeviceRow {
  number: number;
  user_number: number | null;
  platform: Platform;
  address: string;
  keys: Uint8Array;
  bundle_identifier: string | null;
  registered_at: number;
  metadata: string;
}

/** Of a row `d`: all that its SDK says about it. What is longer was never of an SDK, and is not worth being read for every push. */
export const sdkMetadata = `CASE WHEN octet_length(d.metadata) <= 1024 THEN d.metadata ELSE '{}' END AS metadata`;

export const toAudienceDevice = (deviceNumber: number, row: Omit<DeviceRow, 'number'>): AudienceDevice => ({
  deviceNumber,
  userNumber: row.user_number,
  platform: row.platform,
  address: row.address,
  keys: row.keys,
  bundleIdentifier: row.bundle_identifier,
  registeredAt: row.registered_at,
  tracksDelivery: sdkTracksDelivery(row.platform, row.metadata),
});

/** What a page is read by. */
export type AudienceToRead = Pick<ClaimedRange, 'instanceId' | 'publishId' | 'audience' | 'platforms' | 'end'>;

/** Devices that the publish is meant for, of those that were read. */
export const toDevices = (
  { platforms, audience: { families } }: Pick<AudienceToRead, 'platforms' | 'audience'>,
  rows: readonly DeviceRow[],
): AudienceDevice[] =>
  rows
    .filter((row) => platforms.includes(row.platform))
    .filter((row) => !families || (row.platform === 'web' && families.includes(browserFamilyOf(row.address))))
    .map((row) => toAudienceDevice(row.number, row));

import type { Platform } from './ids.ts';

/** First version of each SDK that reports deliveries. */
const firstTracking: Readonly<Record<Platform, readonly number[]>> = {
  fcm: [0, 9, 13],
  apns: [0, 10, 6],
  web: [1, 0, 0],
};

/**
 * Whether the SDK of a device reports that a push has arrived. `metadata`: JSON of what the device registered with. Only the
 * `sdkVersion` of an older SDK says that it does not: whatever else is there, or nothing, is of a later client than Beams' own.
 */
export function sdkTracksDelivery(platform: Platform, metadata: string): boolean {
  const { sdkVersion } = JSON.parse(metadata) as { readonly sdkVersion?: unknown };
  const version = /^(\d+)\.(\d+)\.(\d+)/.exec(typeof sdkVersion === 'string' ? sdkVersion : '');
  if (!version) return true;
  const parts = version.slice(1).map(Number);
  const difference = firstTracking[platform]
    .map((part, index) => (parts[index] ?? 0) - part)
    .find((part) => part !== 0);
  return difference === undefined || difference > 0;
}

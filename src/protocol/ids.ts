/**
 * Ids as they look outside. Inside, publishes and devices are bare lower-case UUIDs; the prefixes belong to the
 * Beams wire, to webhook bodies and to the push payload. The OneSignal wire shows the bare UUIDs.
 */

/** The services that a device can be reached through. */
export const platforms = ['web', 'fcm', 'apns'] as const;
export type Platform = (typeof platforms)[number];

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const publishIdPattern = new RegExp(`^pubid-(${uuid})$`);
const deviceIdPattern = new RegExp(`^(web|fcm|apns)-(${uuid})$`);
const uuidPattern = new RegExp(`^${uuid}$`);

export const isUuid = (text: string): boolean => uuidPattern.test(text);

/** `pubid-<uuid>` */
export const formatPublishId = (publishId: string): string => `pubid-${publishId}`;

/** The UUID in `pubid-<uuid>`, or null when the text is not of that form. */
export const parsePublishId = (text: string): string | null => publishIdPattern.exec(text)?.[1] ?? null;

/** `web-<uuid>`, `fcm-<uuid>` or `apns-<uuid>` */
export const formatDeviceId = (platform: Platform, deviceId: string): string => `${platform}-${deviceId}`;

/** Platform and UUID of a device id, or null when the text is not of that form. */
export function parseDeviceId(text: string): { readonly platform: Platform; readonly deviceId: string } | null {
  const match = deviceIdPattern.exec(text);
  return match ? { platform: match[1] as Platform, deviceId: match[2] as string } : null;
}

/** Milliseconds since 1970 at which a UUID v7 was made (RFC 9562, section 5.7). */
export const uuidV7Time = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The day (UTC, counted from 1970-01-01) of a UUID v7: what storage files publishes, events and messages under. */
export const uuidV7Day = (id: string): number => Math.floor(uuidV7Time(id) / 86_400_000);

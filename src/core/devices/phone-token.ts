import type { Platform } from '../../protocol/ids.ts';

export type PhonePlatform = Exclude<Platform, 'web'>;

/** What a token of the platform looks like, in words fit for an API's answer. */
export const phoneTokenRules: Readonly<Record<PhonePlatform, string>> = {
  apns: 'expected the device token as 16 to 512 hexadecimal digits',
  fcm: 'expected the registration token: 1 to 4096 printable ASCII characters without blanks',
};

/** A token as it is stored, or null when no gateway could have given it. Both gateways leave length and contents open. */
export function normalizePhoneToken(platform: PhonePlatform, token: string): string | null {
  const isToken = platform === 'apns' ? /^(?:[0-9a-f]{2}){8,256}$/i : /^[\x21-\x7e]{1,4096}$/;
  if (!isToken.test(token)) return null;
  return platform === 'apns' ? token.toLowerCase() : token;
}

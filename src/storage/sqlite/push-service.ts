import type { BrowserFamily } from '../../protocol/browser-family.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import type { Platform } from '../../protocol/ids.ts';

/** Number of the push service of devices `d`, in the words of the index `devices_by_id`. */
export const pushServiceNumber = `CASE d.platform WHEN 'fcm' THEN 5 WHEN 'apns' THEN 6 ELSE CASE
    WHEN d.address GLOB 'https://fcm.googleapis.com/*' THEN 0
    WHEN d.address GLOB 'https://updates.push.services.mozilla.com/*' THEN 1
    WHEN d.address GLOB 'https://web.push.apple.com/*' THEN 2
    WHEN substr(d.address, 9, instr(substr(d.address, 9), '/') - 1) GLOB '*.notify.windows.com' THEN 3
    ELSE 4 END END`;

export interface PushService {
  readonly platform: Platform;
  /** '' on phones; null: its devices' addresses tell. */
  readonly family: BrowserFamily | '' | null;
}

const ofBrowsers = (endpoint: string): PushService => ({ platform: 'web', family: browserFamilyOf(endpoint) });

/** By their numbers. */
export const pushServices: readonly PushService[] = [
  ofBrowsers('https://fcm.googleapis.com/'),
  ofBrowsers('https://updates.push.services.mozilla.com/'),
  ofBrowsers('https://web.push.apple.com/'),
  ofBrowsers('https://any.notify.windows.com/'),
  { platform: 'web', family: null },
  { platform: 'fcm', family: '' },
  { platform: 'apns', family: '' },
];

/** Browsers by the push service that they subscribe to: it is the one thing about them that an endpoint tells. */
export const browserFamilies = ['chrome', 'firefox', 'safari', 'edge', 'other'] as const;
export type BrowserFamily = (typeof browserFamilies)[number];

const familiesByHost: readonly (readonly [host: string, family: BrowserFamily])[] = [
  ['googleapis.com', 'chrome'],
  ['push.services.mozilla.com', 'firefox'],
  ['push.apple.com', 'safari'],
  ['notify.windows.com', 'edge'],
];

/** The family of a subscription's endpoint. Chromium-based browsers of other makers subscribe where Chrome does. */
export function browserFamilyOf(endpoint: string): BrowserFamily {
  const host = URL.parse(endpoint)?.hostname ?? '';
  const known = familiesByHost.find(([name]) => host === name || host.endsWith(`.${name}`));
  return known?.[1] ?? 'other';
}

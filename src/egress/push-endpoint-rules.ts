import type { PushEndpointRules } from '../core/ports/push-endpoint-rules.ts';

/** The push services of today's browsers. */
export const defaultPushEndpointHosts = [
  'fcm.googleapis.com',
  'jmt17.google.com',
  'updates.push.services.mozilla.com',
  '*.push.services.mozilla.com',
  'web.push.apple.com',
  '*.push.apple.com',
  '*.notify.windows.com',
] as const;

/**
 * Endpoints must be `https:`, without credentials, on a host that a pattern names: `host`, `*.domain` (any depth below,
 * not the domain itself), with `:port` for a port other than 443. Throws on a pattern that is none of these.
 */
export function createPushEndpointRules(patterns: readonly string[] = defaultPushEndpointHosts): PushEndpointRules {
  const hosts = new Set<string>();
  const parents = new Set<string>();
  for (const pattern of patterns) {
    const wildcard = pattern.startsWith('*.');
    const url = URL.parse(`https://${wildcard ? pattern.slice(2) : pattern}`);
    if (!url || url.host.includes('*') || url.href !== `${url.origin}/`) {
      throw new Error(`not a push endpoint host: ${pattern}`);
    }
    (wildcard ? parents : hosts).add(url.host);
  }

  const onAllowList = (host: string): boolean => {
    if (hosts.has(host)) return true;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      if (parents.has(host.slice(dot + 1))) return true;
    }
    return false;
  };

  return {
    refusal(endpoint) {
      const url = URL.parse(endpoint);
      if (!url) return 'endpoint is not a URL';
      if (url.protocol !== 'https:') return 'endpoint must use https';
      if (url.username || url.password) return 'endpoint must not contain credentials';
      return onAllowList(url.host) ? null : `endpoint host ${url.host} is not an allowed push service`;
    },
  };
}

import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { VapidKeys } from '../../core/ports/gateway.ts';
import { signJwt } from '../push-client/sign-jwt.ts';
import { tokenLifetimeMs, tokenRenewalMs } from './settings.ts';

export interface VapidDeps {
  readonly clock: Clock;
  /** `mailto:` or `https:` URI of the operator. Apple's service wants one. */
  readonly contact?: string;
}

/** Value of the `Authorization` header for an origin. */
export type Authorize = (origin: string) => string;

const maxTokens = 10_000;

/** RFC 8292 tokens; signing costs as much as encrypting, so one serves an origin and key for half a day. */
export function createVapid({ clock, contact }: VapidDeps): (keys: VapidKeys) => Authorize {
  const tokens = new Map<string, { readonly authorization: string; readonly renewAt: number }>();

  const issue = ({ privateKey }: VapidKeys, publicKey: string, origin: string, now: number): string => {
    const exp = Math.floor((now + tokenLifetimeMs) / 1000);
    const claims = { aud: origin, exp, ...(contact === undefined ? {} : { sub: contact }) };
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    return `vapid t=${signJwt({ typ: 'JWT', alg: 'ES256' }, claims, key)}, k=${publicKey}`;
  };

  return (keys) => {
    const publicKey = Buffer.from(keys.publicKey).toString('base64url');
    return (origin) => {
      const now = clock();
      const slot = `${publicKey} ${origin}`;
      const known = tokens.get(slot);
      if (known && now < known.renewAt) return known.authorization;
      const authorization = issue(keys, publicKey, origin, now);
      if (tokens.size >= maxTokens) tokens.clear();
      tokens.set(slot, { authorization, renewAt: now + tokenLifetimeMs - tokenRenewalMs });
      return authorization;
    };
  };
}

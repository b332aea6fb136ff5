import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { ApnsCredentials } from '../../core/ports/gateway.ts';
import { signJwt } from '../push-client/sign-jwt.ts';

export type ApnsTokenCredentials = Extract<ApnsCredentials, { readonly kind: 'token' }>;

/** "Refresh your token no more than once every 20 minutes and no less than once every 60 minutes" (Apple). */
const renewAfterMs = 40 * 60_000;
const atMostEveryMs = 20 * 60_000;

/** Provider tokens (Apple, Establishing a token-based connection to APNs). */
export interface ProviderTokens {
  get(credentials: ApnsTokenCredentials): string;
  /** True when a new one will be made instead: Apple takes no more than one in twenty minutes. */
  replace(credentials: ApnsTokenCredentials, token: string): boolean;
}

export function createProviderTokens(clock: Clock): ProviderTokens {
  const issued = new WeakMap<ApnsTokenCredentials, { readonly token: string; readonly at: number }>();
  return {
    get(credentials) {
      const now = clock();
      const known = issued.get(credentials);
      if (known && now - known.at < renewAfterMs) return known.token;
      const { keyId, teamId, privateKey } = credentials;
      const claims = { iss: teamId, iat: Math.floor(now / 1000) };
      const token = signJwt({ alg: 'ES256', kid: keyId }, claims, createPrivateKey(privateKey));
      issued.set(credentials, { token, at: now });
      return token;
    },
    replace(credentials, token) {
      const known = issued.get(credentials);
      if (known?.token !== token) return true;
      if (clock() - known.at < atMostEveryMs) return false;
      return issued.delete(credentials);
    },
  };
}

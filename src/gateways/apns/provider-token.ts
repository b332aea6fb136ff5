import { createPrivateKey } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { ApnsCredentials } from '../../core/ports/gateway.ts';
import { signJwt } from '../push-client/sign-jwt.ts';

/** "Refresh your token no more than once every 20 minutes and no less than once every 60 minutes" (Apple). */
const renewAfterMs = 40 * 60_000;
const atMostEveryMs = 20 * 60_000;

/** The provider token of a key (Apple, Establishing a token-based connection to APNs). */
export interface ProviderToken {
  get(): string;
  /** True when a new one will be made instead: Apple takes no more than one in twenty minutes. */
  replace(token: string): boolean;
}

export function createProviderToken(
  { keyId, teamId, privateKey }: Extract<ApnsCredentials, { readonly kind: 'token' }>,
  clock: Clock,
): ProviderToken {
  let issued: { readonly token: string; readonly at: number } | null = null;
  return {
    get() {
      const now = clock();
      if (issued && now - issued.at < renewAfterMs) return issued.token;
      const claims = { iss: teamId, iat: Math.floor(now / 1000) };
      const token = signJwt({ alg: 'ES256', kid: keyId }, claims, createPrivateKey(privateKey));
      issued = { token, at: now };
      return token;
    },
    replace(token) {
      if (issued?.token !== token) return true;
      if (clock() - issued.at < atMostEveryMs) return false;
      issued = null;
      return true;
    },
  };
}

import { errors, jwtVerify } from 'jose';
import type { JWTVerifyOptions, JWTVerifyResult } from 'jose';
import type { Clock } from '../ports/clock.ts';

export interface UserToken {
  readonly token: string;
  /** The instance's secret keys sign its users' tokens; at least one. */
  readonly secretKeys: readonly string[];
  /** Issuers that are believed. */
  readonly issuers: readonly string[];
}

export type TokenVerdict =
  | { readonly kind: 'valid'; readonly user: string }
  /** `untrusted`: not a token, another algorithm or another key. `incomplete`: a claim is missing or has a wrong type. */
  | { readonly kind: 'untrusted' | 'expired' | 'not-yet-valid' | 'incomplete' | 'wrong-issuer' };

/** Who a user token (JWT, RFC 7519, signed with HS256 and nothing else) names. Claims count only once the signature does. */
export async function verifyUserToken(
  deps: { readonly clock: Clock },
  { token, secretKeys, issuers }: UserToken,
): Promise<TokenVerdict> {
  try {
    const { payload } = await verifyWithAny(secretKeys, token, {
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'sub', 'iss'],
      currentDate: new Date(deps.clock()),
    });
    const { sub: user, iss: issuer } = payload as { readonly sub: unknown; readonly iss: unknown };
    if (typeof user !== 'string' || typeof issuer !== 'string') return { kind: 'incomplete' };
    return issuers.includes(issuer) ? { kind: 'valid', user } : { kind: 'wrong-issuer' };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { kind: 'expired' };
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf' && error.reason === 'check_failed') {
      return { kind: 'not-yet-valid' };
    }
    if (error instanceof errors.JWTClaimValidationFailed) return { kind: 'incomplete' };
    if (error instanceof errors.JOSEError) return { kind: 'untrusted' };
    throw error;
  }
}

async function verifyWithAny(
  [secretKey = '', ...others]: readonly string[],
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, new TextEncoder().encode(secretKey), options);
  } catch (error) {
    if (others.length === 0 || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    return verifyWithAny(others, token, options);
  }
}

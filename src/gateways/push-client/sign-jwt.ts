import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';

/** A compact JWS (RFC 7515) of claims, as push services want them. Throws when the key is not one of the algorithm's. */
export function signJwt(
  header: { readonly alg: 'ES256' | 'RS256'; readonly kid?: string; readonly typ?: 'JWT' },
  claims: Readonly<Record<string, string | number>>,
  key: KeyObject,
): string {
  const unsigned = `${base64url(header)}.${base64url(claims)}`;
  // RFC 7518, section 3.4: R and S side by side. RSA keys ignore it.
  const signature = sign('sha256', Buffer.from(unsigned), { key, dsaEncoding: 'ieee-p1363' });
  return `${unsigned}.${signature.toString('base64url')}`;
}

const base64url = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

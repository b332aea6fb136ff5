import { createPublicKey, verify } from 'node:crypto';

interface Expected {
  /** Origins of which one must be the token's audience. */
  readonly audiences: readonly string[];
  /** base64url public key that the subscription is bound to, if it is bound. */
  readonly key: string | undefined;
}

/** What is wrong with an `Authorization: vapid …` header (RFC 8292), or null. */
export function vapidFault(header: string | undefined, { audiences, key }: Expected): string | null {
  const [, token, k] = /^vapid\s+t=([^,\s]+),\s*k=([^,\s]+)$/i.exec(header ?? '') ?? [];
  const [head, claims, signature] = token?.split('.') ?? [];
  if (!k || !head || !claims || !signature) return 'no vapid header';
  const point = Buffer.from(k, 'base64url');
  if (point.length !== 65) return 'k is not an uncompressed P-256 point';
  if (key !== undefined && key !== k) return 'not the key of the subscription';
  const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) };
  const publicKey = { key: createPublicKey({ format: 'jwk', key: jwk }), dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')))
    return 'bad signature';
  const { aud, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { aud?: string; exp?: number };
  if (!audiences.includes(aud ?? '')) return `audience ${aud}`;
  const nowSecs = Date.now() / 1000;
  // RFC 8292 section 2: at most 24 hours ahead; a minute of grace for clocks.
  if (typeof exp !== 'number' || exp < nowSecs || exp > nowSecs + 86_460) return `expiry ${exp}`;
  return null;
}

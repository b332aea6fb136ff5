import { decodeBase64, decodeHex } from './decode-text.ts';

/** A signature as the header names it. */
export interface Signature {
  readonly scheme: 'beams' | 'v1' | 'v1a';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A secret or public key, made ready for its scheme. */
export interface CheckingKey {
  readonly scheme: Signature['scheme'];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** More in a header is no signature of ours: each costs a calculation per secret. */
const maxSignatures = 16;

/**
 * The signatures in `Webhook-Signature`: Beams' 40 hex digits, or Standard Webhooks' list of `version,base64`. "Verify
 * any", so unknown versions are passed over. Empty when there is none that is known.
 */
export function parseSignatures(header: string): readonly Signature[] {
  const hex = decodeHex(header);
  if (hex?.length === 20) return [{ scheme: 'beams', bytes: hex }];
  return header.split(' ', maxSignatures).flatMap((text): Signature[] => {
    const [version, base64 = ''] = text.split(',', 2);
    const scheme = version === 'v1' || version === 'v1a' ? version : null;
    const bytes = scheme && decodeBase64(base64);
    return bytes ? [{ scheme, bytes }] : [];
  });
}

/**
 * What a secret checks. `whsec_…` checks `v1`, `whpk_…` checks `v1a`; each text, also `whsec_…`, checks Beams'
 * signatures, but a public key, which is no secret. Throws what is wrong with a secret, never the secret.
 */
export function readSecret(secret: string): readonly CheckingKey[] {
  if (secret === '') throw new TypeError('a webhook secret is empty');
  if (secret.startsWith('whsk_'))
    throw new TypeError('a private key (whsk_) checks nothing: give the public one (whpk_)');
  if (secret.startsWith('whpk_')) return [{ scheme: 'v1a', bytes: decodeKey(secret, 5, 32, 32) }];
  const beams = { scheme: 'beams', bytes: new TextEncoder().encode(secret) } as const;
  return secret.startsWith('whsec_') ? [{ scheme: 'v1', bytes: decodeKey(secret, 6, 24, 64) }, beams] : [beams];
}

function decodeKey(text: string, start: number, minBytes: number, maxBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text.slice(start));
  if (bytes && bytes.length >= minBytes && bytes.length <= maxBytes) return bytes;
  throw new TypeError(
    `a webhook secret that begins with ${text.slice(0, start)} goes on with base64 of another length`,
  );
}

/** Whether the key made the signature. Takes as long for a wrong one as for a right one. */
export async function isSignedBy(
  { scheme, bytes: keyBytes }: CheckingKey,
  signature: Signature,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.scheme !== scheme) return false;
  const { subtle } = await webCrypto();
  const algorithm = algorithms[scheme];
  const key = await subtle.importKey('raw', keyBytes, algorithm, false, ['verify']);
  return subtle.verify(algorithm.name, key, signature.bytes, signed);
}

const algorithms = {
  beams: { name: 'HMAC', hash: 'SHA-1' },
  v1: { name: 'HMAC', hash: 'SHA-256' },
  v1a: { name: 'Ed25519' },
} as const;

type WebCrypto = Pick<typeof globalThis.crypto, 'subtle'>;

/** The same everywhere: Node, Deno, Bun, Workers. Only Node 18 has it in a module and not as a global. */
async function webCrypto(): Promise<WebCrypto> {
  const { crypto }: { readonly crypto?: WebCrypto } = globalThis;
  return crypto ?? (await import('node:crypto')).webcrypto;
}

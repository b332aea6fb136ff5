import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { VapidKeys } from '../ports/gateway.ts';

/** A new P-256 key pair (RFC 8292, section 2). */
export async function generateVapidKeys(): Promise<VapidKeys> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  // The point ends the SubjectPublicKeyInfo (RFC 5480, section 2): 0x04 | x | y.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return { publicKey: point, privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }) };
}

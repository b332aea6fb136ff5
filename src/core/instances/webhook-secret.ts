import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { WebhookSigning } from '../../protocol/webhook-body.ts';
import type { Webhook } from './instance.ts';
import { invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';

const secretPrefix = 'whsec_';
const [minKeyBytes, newKeyBytes, maxKeyBytes] = [24, 32, 64];

/** A random secret in the form that the signing needs. */
export const generateWebhookSecret = (signing: WebhookSigning): string =>
  signing === 'standard'
    ? secretPrefix + randomBytes(newKeyBytes).toString('base64')
    : randomBytes(newKeyBytes).toString('hex');

/** The bytes in a secret of Standard Webhooks, `whsec_` and 24 to 64 bytes in base64; null for other texts. */
export function webhookSecretBytes(secret: string): Buffer | null {
  if (!secret.startsWith(secretPrefix)) return null;
  const text = secret.slice(secretPrefix.length);
  const bytes = Buffer.from(text, 'base64');
  const isExact = bytes.toString('base64') === text;
  return isExact && bytes.length >= minKeyBytes && bytes.length <= maxKeyBytes ? bytes : null;
}

/** Receivers check signatures with it. */
export function checkWebhookSecret(signing: WebhookSigning, secret: string): InvalidField | null {
  if (signing === 'standard') {
    const expected = `"${secretPrefix}" and ${minKeyBytes} to ${maxKeyBytes} bytes in base64`;
    return webhookSecretBytes(secret) ? null : invalid('secret', expected);
  }
  if (/^wh(sec|sk|pk)_/.test(secret) && !webhookSecretBytes(secret)) {
    return invalid('secret', 'whole when it begins like one of Standard Webhooks, and no key');
  }
  return /^[\x21-\x7e]{8,256}$/.test(secret)
    ? null
    : invalid('secret', '8 to 256 printable ASCII characters without blanks');
}

/** A new Ed25519 private key as PKCS #8 DER. */
export async function generateSigningKey(): Promise<Buffer> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'der' });
}

export const signingKeyObject = (pkcs8: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });

/** `whpk_` and the 32 bytes of the Ed25519 public key in base64; null unless the signing is `standard`. */
export function webhookPublicKey({ options, signingKey }: Pick<Webhook, 'options' | 'signingKey'>): string | null {
  if (options.signing !== 'standard' || !signingKey) return null;
  // The key ends the SubjectPublicKeyInfo (RFC 8410, section 4).
  const spki = createPublicKey(signingKeyObject(signingKey)).export({ type: 'spki', format: 'der' });
  return `whpk_${spki.subarray(-32).toString('base64')}`;
}

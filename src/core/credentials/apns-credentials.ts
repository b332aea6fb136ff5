import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { InvalidField } from '../instances/invalid-field.ts';
import { invalid } from '../instances/invalid-field.ts';
import type { ApnsCredentials } from '../ports/gateway.ts';
import { keyType } from './fcm-credentials.ts';
import { openP12 } from './open-p12.ts';

/** What Apple gave the operator: a key (`.p8`), or a certificate with its key (`.p12`, or both as PEM). */
export interface ApnsInput {
  readonly environment: 'production' | 'sandbox';
  readonly bundleIdentifier?: string | undefined;
  readonly token?: { readonly keyId: string; readonly teamId: string; readonly privateKey: string } | undefined;
  readonly certificate?: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** Base64 of the file. */
  readonly p12?: { readonly file: string; readonly passphrase: string } | undefined;
}

export interface ReadApnsCredentials {
  readonly kind: 'read';
  readonly credentials: ApnsCredentials;
  /** Of a certificate; keys do not expire. */
  readonly expiresAt: number | null;
}

export function readApnsCredentials(input: ApnsInput, now: number): ReadApnsCredentials | InvalidField {
  const { environment, bundleIdentifier = null, token, certificate, p12 } = input;
  if (bundleIdentifier !== null && !/^[A-Za-z0-9.-]{1,155}$/.test(bundleIdentifier)) {
    return invalid('bundleIdentifier', 'the bundle identifier of an app, like com.example.app');
  }
  if ([token, certificate, p12].filter((given) => given !== undefined).length !== 1) {
    return invalid('token, certificate, p12', 'given once: exactly one of them');
  }
  const common = { environment, bundleIdentifier };
  if (token) {
    const { keyId, teamId, privateKey } = token;
    if (!isAppleId(keyId)) return invalid('token.keyId', 'the ten letters and digits of the key');
    if (!isAppleId(teamId)) return invalid('token.teamId', 'the ten letters and digits of the team');
    // ES256, the only algorithm that Apple takes, wants this curve.
    if (keyType(privateKey) !== 'prime256v1') return invalid('token.privateKey', 'the contents of the .p8 file');
    return { kind: 'read', credentials: { ...common, kind: 'token', keyId, teamId, privateKey }, expiresAt: null };
  }
  const pair = certificate ?? (p12 && openP12(Buffer.from(p12.file, 'base64'), p12.passphrase));
  if (!pair) return invalid('p12', 'a .p12 file in base64 with a certificate and its key, and its passphrase');
  const at = certificate ? 'certificate.' : 'p12: ';
  const leaf = readCertificate(pair.certificate);
  if (!leaf) return invalid(`${at}certificate`, 'a certificate in PEM form');
  if (keyType(pair.privateKey) === null) return invalid(`${at}privateKey`, 'a private key in PEM form');
  if (!leaf.checkPrivateKey(createPrivateKey(pair.privateKey))) {
    return invalid(`${at}privateKey`, 'the key of the certificate');
  }
  const expiresAt = Date.parse(leaf.validTo);
  if (expiresAt <= now) return invalid(`${at}certificate`, `in force: it has expired on ${leaf.validTo}`);
  return { kind: 'read', credentials: { ...common, kind: 'certificate', ...pair }, expiresAt };
}

const isAppleId = (id: string): boolean => /^[A-Z0-9]{10}$/.test(id);

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

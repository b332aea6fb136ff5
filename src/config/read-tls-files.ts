import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Result } from './read-settings.ts';
import { settingTable } from './settings.ts';

/** Certificates and private key, in PEM. */
export interface TlsKeys {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const certSetting = settingTable.tlsCertFile.name;
const keySetting = settingTable.tlsKeyFile.name;

/** Reads the files of a server's TLS and checks that it can be served with them, or says what is wrong with which. */
export function readTlsFiles({
  certFile,
  keyFile,
}: {
  readonly certFile: string;
  readonly keyFile: string;
}): Result<TlsKeys> {
  const mistakes: string[] = [];
  const read = (setting: string, file: string, what: string, check: (pem: Buffer) => unknown): Buffer => {
    let pem = Buffer.of();
    try {
      pem = readFileSync(file);
    } catch (error) {
      mistakes.push(`${setting} is \`${file}\`, which cannot be read (${messageOf(error)}).`);
      return pem;
    }
    try {
      check(pem);
    } catch (error) {
      mistakes.push(`${setting} is \`${file}\`, but should be a PEM file with ${what} (${messageOf(error)}).`);
    }
    return pem;
  };
  const cert = read(certSetting, certFile, 'a certificate', (pem) => new X509Certificate(pem));
  const key = read(keySetting, keyFile, 'a private key without passphrase', (pem) => createPrivateKey(pem));
  if (mistakes.length > 0) return { ok: false, mistakes };
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const files = `the certificate \`${certFile}\` (${certSetting}) and the key \`${keyFile}\` (${keySetting})`;
    return { ok: false, mistakes: [`${files} do not belong together, or cannot be used (${messageOf(error)}).`] };
  }
  return { ok: true, value: { cert, key } };
}

const messageOf = (error: unknown): string => (error as Error).message;

import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';

/** A certificate authority made for one test run; its certificate goes into `NODE_EXTRA_CA_CERTS` or a `ca` option. */
export interface TestAuthority {
  /** PEM */
  readonly certificate: string;
  /** A certificate for these DNS names and its key, both PEM. */
  readonly issue: (names: readonly string[]) => { readonly key: string; readonly cert: string };
}

// Written out in DER (RFC 5280) because an empty machine has no openssl, and the demo must run there.
export function createTestAuthority(): TestAuthority {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rootName = 'Pharos test authority';
  const certificate = makeCertificate({
    subject: rootName,
    subjectKey: root.publicKey,
    issuer: rootName,
    issuerKey: root.privateKey,
    extensions: [extension('551d13', sequence(tlv(0x01, Buffer.from([0xff]))), true)], // basicConstraints: CA
  });
  return {
    certificate,
    issue(names) {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const alternativeNames = sequence(...names.map((name) => tlv(0x82, Buffer.from(name))));
      const cert = makeCertificate({
        subject: names[0] ?? '',
        subjectKey: leaf.publicKey,
        issuer: rootName,
        issuerKey: root.privateKey,
        extensions: [extension('551d11', alternativeNames, false)], // subjectAltName
      });
      return { key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert };
    },
  };
}

/** What Chromium's `--ignore-certificate-errors-spki-list` wants: base64 SHA-256 of the public key. */
export function publicKeyHash(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}

interface CertificateFields {
  readonly subject: string;
  readonly subjectKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function makeCertificate({ subject, subjectKey, issuer, issuerKey, extensions }: CertificateFields): string {
  const serial = randomBytes(16);
  serial[0] = 0x40 | (serial.readUInt8(0) & 0x3f); // positive, without a leading zero
  const dayMs = 86_400_000;
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // version 3
    tlv(0x02, serial),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(time(Date.now() - dayMs), time(Date.now() + 30 * dayMs)),
    commonName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, issuerKey)]));
  const lines =
    sequence(body, ecdsaWithSha256, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function tlv(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const identifier = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'));

const commonName = (text: string): Buffer =>
  sequence(tlv(0x31, sequence(identifier('550403'), tlv(0x0c, Buffer.from(text)))));

/** UTCTime */
const time = (ms: number): Buffer =>
  tlv(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\..*/g, '')
        .slice(2)}Z`,
    ),
  );

const extension = (id: string, value: Buffer, critical: boolean): Buffer =>
  sequence(identifier(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));

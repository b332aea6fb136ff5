import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedPlace, Sealer } from '../core/ports/sealer.ts';
import { CannotOpen } from '../core/ports/sealer.ts';
import { keyIdBytes } from './keyring.ts';
import type { Keyring, MasterKey } from './keyring.ts';

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const nonceStart = 1 + keyIdBytes;
/** Damaged values may name any key. */
const maxMissing = 100;
const textStart = nonceStart + nonceBytes;

/** Random bytes are asked for in blocks: a dozen of them costs as much as a few thousand. */
const noncesAtATime = 256;

/** A sealer that can change to another keyring while it is in use. Keys that it had go on opening. */
export interface KeyringSealer extends Sealer {
  readonly use: (keyring: Keyring) => void;
  /** Ids of the keys that it knows; it seals with the first. */
  readonly keys: () => readonly [string, ...string[]];
  /** The one that seals. */
  readonly sealsWith: () => MasterKey;
  /** What everything sealed from now on begins with. */
  readonly header: () => Uint8Array;
  /** Ids of keys that something was sealed with and the keyring lacks, as far as it was noticed. */
  readonly missing: () => readonly string[];
}

/**
 * AES-256-GCM under the keyring's first key. Sealed bytes are version (1) | key id (4) | nonce (12) | ciphertext | tag
 * (16), with the place as associated data.
 * NIST SP 800-38D, section 8.3: with random nonces at most 2^32 values are sealed under one key.
 */
export function createSealer(keyring: Keyring): KeyringSealer {
  const keys = new Map(keyring.map(({ id, key }) => [id, key]));
  let [first] = keyring;
  let header = headerOf(first);
  const missing = new Set<string>();
  let nonces = Buffer.alloc(0);
  const nextNonce = (): Buffer => {
    if (nonces.length === 0) nonces = randomBytes(noncesAtATime * nonceBytes);
    const nonce = nonces.subarray(0, nonceBytes);
    nonces = nonces.subarray(nonceBytes);
    return nonce;
  };
  return {
    use(keyring) {
      for (const { id, key } of keyring) {
        keys.set(id, key);
        missing.delete(id);
      }
      [first] = keyring;
      header = headerOf(first);
    },

    keys: () => [first.id, ...[...keys.keys()].filter((id) => id !== first.id)],

    sealsWith: () => first,

    header: () => header,

    missing: () => [...missing],

    seal(place, plaintext) {
      const nonce = nextNonce();
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(associatedData(place));
      // In this mode `final` adds nothing (SP 800-38D is a stream cipher).
      const text = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
      cipher.final();
      const sealed = new Uint8Array(textStart + text.length + tagBytes);
      sealed.set(header);
      sealed.set(nonce, nonceStart);
      sealed.set(text, textStart);
      sealed.set(cipher.getAuthTag(), textStart + text.length);
      return sealed;
    },

    open(place, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < textStart + tagBytes || bytes[0] !== version) throw cannotOpen(place, 'it is damaged');
      const keyId = bytes.toString('hex', 1, nonceStart);
      const key = keys.get(keyId);
      if (!key) {
        if (missing.size < maxMissing) missing.add(keyId);
        throw cannotOpen(place, `the keyring has no key ${keyId}: put it back into its file and start again`);
      }
      const nonce = bytes.subarray(nonceStart, textStart);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associatedData(place));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      const text = decipher.update(bytes.subarray(textStart, -tagBytes));
      try {
        return Buffer.concat([text, decipher.final()]);
      } catch (cause) {
        throw cannotOpen(place, 'it is damaged or was moved here from elsewhere', cause);
      }
    },
  };
}

const headerOf = ({ id }: MasterKey): Buffer => Buffer.concat([Buffer.of(version), Buffer.from(id, 'hex')]);

const associatedData = ({ instanceId, rowId, column }: SealedPlace): Buffer =>
  Buffer.from(`${instanceId}\0${rowId}\0${column}`);

function cannotOpen({ instanceId, rowId, column }: SealedPlace, reason: string, cause?: unknown): CannotOpen {
  const row = rowId === instanceId ? '' : ` (${rowId})`;
  return new CannotOpen(`cannot open ${column}${row} of instance ${instanceId}: ${reason}`, { cause });
}

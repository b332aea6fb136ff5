import { createCipheriv, createECDH, createSecretKey, type ECDH, hash, randomFillSync } from 'node:crypto';

/** RFC 8291, section 4: a push service need not take more than this in one body. */
export const maxBodyBytes = 4096;

const saltBytes = 16;
const publicKeyBytes = 65;
const authSecretBytes = 16;
const tagBytes = 16;
/** RFC 8188, section 2.1: salt, record size, key id length, key id. */
const headerBytes = saltBytes + 4 + 1 + publicKeyBytes;
const recordSizeAndKeyIdLength = Uint8Array.of(0, 0, maxBodyBytes >> 8, 0, publicKeyBytes);
const overheadBytes = headerBytes + 1 + tagBytes;

/** A subscription's public key and, after it, its authentication secret. */
export const subscriptionKeyBytes = publicKeyBytes + authSecretBytes;
export const maxPayloadBytes = maxBodyBytes - overheadBytes;

/** Size of the body for a payload; no padding is added. */
export const bodyBytes = (payloadBytes: number): number => payloadBytes + overheadBytes;

/** What must be new for every message (RFC 8291, sections 2 and 3.1). */
export interface MessageSecrets {
  /** Gives `ecdh` a key pair, returns the public key. */
  newKeyPair(ecdh: ECDH): Uint8Array;
  writeSalt(target: Uint8Array): void;
}

export interface Encryptor {
  /**
   * Writes the body of one message (RFC 8188 `aes128gcm` in one record, keys as in RFC 8291) into `target`, which has
   * `bodyBytes(payload.length)` bytes. False if the keys are none: wrong length, or a point that is not on P-256.
   */
  encrypt(payload: Uint8Array, subscriptionKeys: Uint8Array, target: Uint8Array): boolean;
}

/**
 * The elliptic curve is nearly all of the cost, so the rest avoids what is slow in Node: HMAC as two one-shot hashes over
 * buffers that are filled in place, and a key object for AES, because Node 24 takes three times as long with raw bytes.
 */
export function createEncryptor(secrets: MessageSecrets = randomSecrets()): Encryptor {
  const ecdh = createECDH('prime256v1');
  const ikmInfo = Buffer.alloc(144 + 1);
  ikmInfo.write('WebPush: info\0', 'latin1');
  ikmInfo[144] = 1;
  const keyInfo = Buffer.from('Content-Encoding: aes128gcm\0\x01', 'latin1');
  const nonceInfo = Buffer.from('Content-Encoding: nonce\0\x01', 'latin1');
  const extractSharedSecret = hmac(32);
  const expandIkm = hmac(ikmInfo.length);
  const extractPrk = hmac(32);
  const expandKey = hmac(keyInfo.length);
  const expandNonce = hmac(nonceInfo.length);
  let paddedPayload = new Uint8Array(0);
  let paddedFrom: Uint8Array | null = null;

  return {
    encrypt(payload, subscriptionKeys, target) {
      if (subscriptionKeys.length !== subscriptionKeyBytes) return false;
      const publicKey = subscriptionKeys.subarray(0, publicKeyBytes);
      const authSecret = subscriptionKeys.subarray(publicKeyBytes);
      const ownPublicKey = secrets.newKeyPair(ecdh);
      const sharedSecret = computeSecret(ecdh, publicKey);
      if (!sharedSecret) return false;

      const salt = target.subarray(0, saltBytes);
      secrets.writeSalt(salt);
      target.set(recordSizeAndKeyIdLength, saltBytes);
      target.set(ownPublicKey, saltBytes + 5);

      // RFC 8291, section 3.4
      ikmInfo.set(publicKey, 14);
      ikmInfo.set(ownPublicKey, 14 + publicKeyBytes);
      const ikm = expandIkm(extractSharedSecret(authSecret, sharedSecret), ikmInfo);
      const prk = extractPrk(salt, ikm);
      const key = expandKey(prk, keyInfo).subarray(0, 16);
      const nonce = expandNonce(prk, nonceInfo).subarray(0, 12);

      if (paddedFrom !== payload) {
        paddedFrom = payload;
        paddedPayload = new Uint8Array(payload.length + 1);
        paddedPayload.set(payload);
        // RFC 8188, section 2: the delimiter of the last record.
        paddedPayload[payload.length] = 2;
      }
      const cipher = createCipheriv('aes-128-gcm', createSecretKey(key), nonce);
      target.set(cipher.update(paddedPayload), headerBytes);
      cipher.final();
      target.set(cipher.getAuthTag(), headerBytes + paddedPayload.length);
      return true;
    },
  };
}

function computeSecret(ecdh: ECDH, publicKey: Uint8Array): Buffer | null {
  try {
    return ecdh.computeSecret(publicKey);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY') return null;
    throw error;
  }
}

/**
 * HMAC-SHA-256 (RFC 2104) for messages of one length and keys of at most 64 bytes, of the same length on every call. The
 * result is overwritten by the next call. Digests travel as latin1 strings: those cost a third of a buffer each.
 */
function hmac(messageBytes: number): (key: Uint8Array, message: Uint8Array) => Buffer {
  const inner = Buffer.alloc(64 + messageBytes).fill(0x36, 0, 64);
  const outer = Buffer.alloc(64 + 32).fill(0x5c, 0, 64);
  const digest = Buffer.alloc(32);
  return (key, message) => {
    for (let index = 0; index < key.length; index += 1) {
      const byte = key[index] as number;
      inner[index] = byte ^ 0x36;
      outer[index] = byte ^ 0x5c;
    }
    inner.set(message, 64);
    outer.write(hash('sha256', inner, 'binary'), 64, 'latin1');
    digest.write(hash('sha256', outer, 'binary'), 'latin1');
    return digest;
  };
}

/** Random salts cost less when drawn many at a time. */
function randomSecrets(): MessageSecrets {
  const pool = new Uint8Array(saltBytes * 256);
  let used = pool.length;
  return {
    newKeyPair: (ecdh) => ecdh.generateKeys(),
    writeSalt(target) {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      target.set(pool.subarray(used, (used += saltBytes)));
    },
  };
}

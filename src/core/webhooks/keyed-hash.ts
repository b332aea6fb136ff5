import { hash } from 'node:crypto';

/** HMAC of a text in UTF-8 (RFC 2104). */
export type KeyedHash = (text: string, encoding: 'hex' | 'base64') => string;

const digestBytes = { sha1: 20, sha256: 32 };
const blockBytes = 64;
const maxBytesPerUnit = 3;
const room = Buffer.alloc(blockBytes + 65_536);

/** Two hashes at once cost half of what an object that is fed costs, in Node's crypto. */
export function createKeyedHash(algorithm: 'sha1' | 'sha256', key: Uint8Array): KeyedHash {
  const inner = Buffer.alloc(blockBytes, 0x36);
  const outer = Buffer.alloc(blockBytes + digestBytes[algorithm]).fill(0x5c, 0, blockBytes);
  const short = key.length > blockBytes ? hash(algorithm, key, 'buffer') : key;
  for (const [index, byte] of short.entries()) {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  return (text, encoding) => {
    outer.write(hash(algorithm, behind(inner, text), 'binary'), blockBytes, 'latin1');
    return hash(algorithm, outer, encoding);
  };
}

function behind(inner: Buffer, text: string): Buffer {
  if (blockBytes + maxBytesPerUnit * text.length > room.length) return Buffer.concat([inner, Buffer.from(text)]);
  inner.copy(room);
  return room.subarray(0, blockBytes + room.write(text, blockBytes));
}

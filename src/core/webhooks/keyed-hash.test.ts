import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createKeyedHash } from './keyed-hash.ts';

const keys = ['', 'k', 'ü'.repeat(32), 'a key of more bytes than fit into a block of the hash, which is hashed first'];
const texts = ['', '{"ü":"😀"}', 'x'.repeat(21_845), 'ü'.repeat(70_000), 'short again'];

test.each(['sha1', 'sha256'] as const)(
  '%s: as the crypto library has it, whatever the key and the text',
  (algorithm) => {
    for (const key of keys) {
      const keyedHash = createKeyedHash(algorithm, Buffer.from(key));
      for (const text of texts) {
        for (const encoding of ['hex', 'base64'] as const) {
          expect(keyedHash(text, encoding)).toBe(createHmac(algorithm, key).update(text).digest(encoding));
        }
      }
    }
  },
);

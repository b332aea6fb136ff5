import { createECDH, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import ece from 'http_ece';
import { expect, test } from 'vitest';
import webPush from 'web-push';
import { bodyBytes, createEncryptor, maxBodyBytes, maxPayloadBytes, type MessageSecrets } from './encryption.ts';

const decode = (text: string): Buffer => Buffer.from(text, 'base64url');

interface Browser {
  readonly ecdh: ReturnType<typeof createECDH>;
  readonly keys: Uint8Array;
  readonly authSecret: string;
  readonly publicKey: string;
}

function newBrowser(): Browser {
  const ecdh = createECDH('prime256v1');
  const publicKey = ecdh.generateKeys();
  const authSecret = randomBytes(16);
  return {
    ecdh,
    keys: Buffer.concat([publicKey, authSecret]),
    authSecret: authSecret.toString('base64url'),
    publicKey: publicKey.toString('base64url'),
  };
}

function encrypt(payload: Uint8Array, keys: Uint8Array, secrets?: MessageSecrets): Buffer | null {
  const body = Buffer.alloc(bodyBytes(payload.length));
  return createEncryptor(secrets).encrypt(payload, keys, body) ? body : null;
}

test('RFC 8291, appendix A, byte for byte', () => {
  const secrets: MessageSecrets = {
    newKeyPair(ecdh) {
      ecdh.setPrivateKey(decode('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'));
      return ecdh.getPublicKey();
    },
    writeSalt: (target) => target.set(decode('DGv6ra1nlYgDCS1FRnbzlw')),
  };
  const keys = Buffer.concat([
    decode('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
    decode('BTBZMqHH6r4Tts7J_aSIgg'),
  ]);
  expect(encrypt(Buffer.from('When I grow up, I want to be a watermelon'), keys, secrets)?.toString('base64url')).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl' +
      '7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  );
});

test('http_ece reads what it writes, at every length', () => {
  const browser = newBrowser();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: maxPayloadBytes, size: 'max' }), (payload) => {
      const body = encrypt(payload, browser.keys);
      const plain = ece.decrypt(body ?? Buffer.alloc(0), {
        version: 'aes128gcm',
        privateKey: browser.ecdh,
        authSecret: browser.authSecret,
      });
      expect(plain.equals(payload)).toBe(true);
    }),
  );
});

test('the longest payload fills a body of 4096 bytes', () => {
  expect(bodyBytes(maxPayloadBytes)).toBe(maxBodyBytes);
  expect(encrypt(new Uint8Array(maxPayloadBytes), newBrowser().keys)).toHaveLength(4096);
});

test('web-push writes bodies of the same form', () => {
  const browser = newBrowser();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: maxPayloadBytes }), (payload) => {
      const theirs = webPush.encrypt(
        browser.publicKey,
        browser.authSecret,
        Buffer.from(payload),
        'aes128gcm',
      ).cipherText;
      const ours = encrypt(payload, browser.keys);
      expect(ours).toHaveLength(theirs.length);
      // Record size and length of the key id.
      expect(ours?.toString('hex', 16, 21)).toBe(theirs.toString('hex', 16, 21));
    }),
    { numRuns: 20 },
  );
});

test('http_ece writes the same bytes from the same key pair and salt', () => {
  const browser = newBrowser();
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: maxPayloadBytes }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (payload, salt) => {
        const sender = createECDH('prime256v1');
        const senderPublicKey = sender.generateKeys();
        const ours = encrypt(payload, browser.keys, {
          newKeyPair(ecdh) {
            ecdh.setPrivateKey(sender.getPrivateKey());
            return senderPublicKey;
          },
          writeSalt: (target) => target.set(salt),
        });
        const theirs = ece.encrypt(Buffer.from(payload), {
          version: 'aes128gcm',
          privateKey: sender,
          dh: browser.publicKey,
          authSecret: browser.authSecret,
          salt: Buffer.from(salt).toString('base64url'),
        });
        expect(ours?.equals(theirs)).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test('every message has a key pair and a salt of its own', () => {
  const { keys } = newBrowser();
  const encryptor = createEncryptor();
  const messages = Array.from({ length: 600 }, () => {
    const body = Buffer.alloc(bodyBytes(3));
    encryptor.encrypt(Buffer.from('abc'), keys, body);
    return body;
  });
  expect(new Set(messages.map((body) => body.toString('hex', 0, 16))).size).toBe(600);
  expect(new Set(messages.map((body) => body.toString('hex', 21, 86))).size).toBe(600);
});

test.each([
  ['too short', new Uint8Array(80)],
  ['too long', new Uint8Array(82)],
  ['no point', new Uint8Array(81)],
  ['a point beside the curve', Uint8Array.from([4, ...Array<number>(80).fill(1)])],
  [
    'a compressed point and padding',
    Buffer.concat([newBrowser().ecdh.getPublicKey(null, 'compressed'), Buffer.alloc(48)]),
  ],
])('keys that are none: %s', (_, keys) => {
  expect(encrypt(Buffer.from('abc'), keys)).toBeNull();
});

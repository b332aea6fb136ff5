import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { vapidFault } from '../../../test/support/verify-vapid.ts';
import type { VapidKeys } from '../../core/ports/gateway.ts';
import { createVapid } from './vapid.ts';

function newKeys(): VapidKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
}

const claimsOf = (authorization: string): unknown =>
  JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString());

test('a token that a push service accepts', () => {
  const keys = newKeys();
  const authorization = createVapid({ clock: Date.now })(keys)('https://push.test');
  const key = Buffer.from(keys.publicKey).toString('base64url');
  expect(vapidFault(authorization, { audiences: ['https://push.test'], key })).toBeNull();
});

test('names the contact only if there is one', () => {
  const clock = (): number => 1_000_000_000_000;
  const claims = { aud: 'https://push.test', exp: 1_000_043_200 };
  expect(claimsOf(createVapid({ clock })(newKeys())('https://push.test'))).toEqual(claims);
  const contact = 'mailto:ops@example.com';
  expect(claimsOf(createVapid({ clock, contact })(newKeys())('https://push.test'))).toEqual({
    ...claims,
    sub: contact,
  });
});

test('one token per origin and key, renewed an hour before it expires', () => {
  let now = Date.now();
  const vapid = createVapid({ clock: () => now });
  const keys = newKeys();
  const first = vapid(keys)('https://a.test');
  now += 11 * 3_600_000 - 1;
  expect(vapid({ ...keys })('https://a.test')).toBe(first);
  expect(vapid(keys)('https://b.test')).not.toBe(first);
  expect(vapid(newKeys())('https://a.test')).not.toBe(first);
  now += 1;
  expect(vapid(keys)('https://a.test')).not.toBe(first);
});

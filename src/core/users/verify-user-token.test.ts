import { createRequire } from 'node:module';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { verifyUserToken } from './verify-user-token.ts';

const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const issuer = `https://${instance}.pushnotifications.pusher.com`;
const secretKey = 'secret';
const now = 1_700_000_000;

const sign = (claims: Record<string, unknown>, alg = 'HS256', key = secretKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key));

const verify = (token: string, clock = () => now * 1000): Promise<unknown> =>
  verifyUserToken({ clock }, { token, secretKeys: [secretKey, 'previous'], issuers: [issuer, 'https://ours.example'] });

const claims = { sub: 'alice', iss: issuer, exp: now + 1 };

test("the official Node client's token", async () => {
  const Client = createRequire(import.meta.url)('@pusher/push-notifications-server') as new (options: {
    instanceId: string;
    secretKey: string;
  }) => { generateToken(userId: string): { token: string } };
  const { token } = new Client({ instanceId: instance, secretKey }).generateToken('alice');
  expect(await verify(token, Date.now)).toEqual({ kind: 'valid', user: 'alice' });
});

test.each([
  ['valid until it expires', claims, { kind: 'valid', user: 'alice' }],
  ['our own issuer', { ...claims, iss: 'https://ours.example' }, { kind: 'valid', user: 'alice' }],
  ['years long', { ...claims, exp: now + 1e9 }, { kind: 'valid', user: 'alice' }],
  ['expired this second', { ...claims, exp: now }, { kind: 'expired' }],
  ['not valid yet', { ...claims, nbf: now + 1 }, { kind: 'not-yet-valid' }],
  ['valid from now on', { ...claims, nbf: now }, { kind: 'valid', user: 'alice' }],
  ['nbf of another type', { ...claims, nbf: 'now' }, { kind: 'incomplete' }],
  ['no exp', { sub: 'alice', iss: issuer }, { kind: 'incomplete' }],
  ['no sub', { iss: issuer, exp: now + 1 }, { kind: 'incomplete' }],
  ['no iss', { sub: 'alice', exp: now + 1 }, { kind: 'incomplete' }],
  ['sub of another type', { ...claims, sub: 7 }, { kind: 'incomplete' }],
  ['exp of another type', { ...claims, exp: 'tomorrow' }, { kind: 'incomplete' }],
  ['issuers as a list', { ...claims, iss: [issuer] }, { kind: 'incomplete' }],
  ['another issuer', { ...claims, iss: 'https://evil.example' }, { kind: 'wrong-issuer' }],
  ['issuer with a slash', { ...claims, iss: `${issuer}/` }, { kind: 'wrong-issuer' }],
])('%s', async (_name, given, verdict) => {
  expect(await verify(await sign(given as Record<string, unknown>))).toEqual(verdict);
});

test('another key or algorithm, or no token at all', async () => {
  expect(await verify(await sign(claims, 'HS256', 'other'))).toEqual({ kind: 'untrusted' });
  expect(await verify(await sign(claims, 'HS512', secretKey.padEnd(64)))).toEqual({ kind: 'untrusted' });
  const unsigned = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  expect(await verify(`${unsigned.join('.')}.`)).toEqual({ kind: 'untrusted' });
  for (const text of ['', 'a', 'a.b.c', '...', `${'x'.repeat(5000)}.y.z`]) {
    expect(await verify(text)).toEqual({ kind: 'untrusted' });
  }
});

test('a token that the previous key signed', async () => {
  expect(await verify(await sign(claims, 'HS256', 'previous'))).toEqual({ kind: 'valid', user: 'alice' });
  expect(await verify(await sign({ ...claims, exp: now }, 'HS256', 'previous'))).toEqual({ kind: 'expired' });
});

test('claims of an untrusted token say nothing', async () => {
  expect(await verify(await sign({ ...claims, exp: 1 }, 'HS256', 'other'))).toEqual({ kind: 'untrusted' });
});

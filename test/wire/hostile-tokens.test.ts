import type { JsonWebKey } from 'node:crypto';
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import { encodeSubscription, openWorld, type World } from './beams-world.ts';

let store: Store;
let world: World;
let device: string;
const instance = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';
const devices = `/device_api/v1/instances/${instance}/devices/web`;

beforeAll(async () => {
  store = await openTestStore();
  world = await openWorld(store);
  const payload = { token: encodeSubscription('hostile') };
  const { id } = (await world.app.inject({ method: 'POST', url: devices, payload })).json<{ id: string }>();
  device = `${devices}/${id}`;
});
afterAll(async () => {
  await world.app.close();
  await store.close();
});

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const claims = { sub: 'alice', iss: `https://${instance}.pushnotifications.pusher.com`, exp: 4_102_444_800 };
const hmac = (header: object, body: unknown, key = world.values['secretKey'] ?? '', hash = 'sha256'): string => {
  const signed = `${encode(header)}.${encode(body)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
};

const present = async (authorization: string) => {
  const answer = await world.app.inject({ method: 'PUT', url: `${device}/user`, headers: { authorization } });
  const { userId } = (await world.app.inject(device)).json<{ userId: string | null }>();
  return { status: answer.statusCode, description: answer.json<{ description: string }>().description, userId };
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rs256 = (): string => {
  const signed = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(rsa.privateKey, 'base64url')}`;
};
/** The instance's public key is known to everyone: as an HMAC key it must be worth nothing. */
const publicKeyTexts = (): string[] => {
  const point = Buffer.from(world.values['publicKey'] ?? '', 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  const key = createPublicKey({
    key: { kty: 'EC', crv: 'P-256', x, y } as JsonWebKey,
    format: 'jwk',
  });
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  return [
    pem,
    pem.trim(),
    world.values['publicKey'] ?? '',
    rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  ];
};

test.each<[string, () => string | readonly string[], number]>([
  ['alg none', () => `${encode({ alg: 'none' })}.${encode(claims)}.`, 401],
  [
    'alg none in other spellings',
    () => ['None', 'NONE', 'nOnE', ''].map((alg) => `${encode({ alg })}.${encode(claims)}.`),
    401,
  ],
  ['alg none with a good signature', () => hmac({ alg: 'none' }, claims), 401],
  ['RS256', rs256, 401],
  ['RS256 with an HMAC', () => hmac({ alg: 'RS256' }, claims), 401],
  ['a public key as the secret', () => publicKeyTexts().map((key) => hmac({ alg: 'HS256' }, claims, key)), 401],
  ['an empty secret', () => hmac({ alg: 'HS256' }, claims, ''), 401],
  [
    'HS384 and HS512',
    () => [hmac({ alg: 'HS384' }, claims, undefined, 'sha384'), hmac({ alg: 'HS512' }, claims, undefined, 'sha512')],
    401,
  ],
  [
    'a key that it brings along',
    () => hmac({ alg: 'HS256', jwk: { kty: 'oct', k: 'eA' }, kid: '../../dev/null' }, claims, 'x'),
    401,
  ],
  ['critical extensions', () => hmac({ alg: 'HS256', crit: ['exp'], exp: 1 }, claims), 401],
  ['expired', () => hmac({ alg: 'HS256' }, { ...claims, exp: 1 }), 401],
  ['no exp', () => hmac({ alg: 'HS256' }, { ...claims, exp: undefined }), 400],
  ['not yet valid', () => hmac({ alg: 'HS256' }, { ...claims, nbf: claims.exp - 1 }), 401],
  [
    'claims that are no object',
    () => [hmac({ alg: 'HS256' }, [claims]), hmac({ alg: 'HS256' }, 'x'), hmac({ alg: 'HS256' }, null)],
    401,
  ],
  [
    'wrong issuers',
    () =>
      ['https://evil.example', instance, `${claims.iss}.evil.example`].map((iss) =>
        hmac({ alg: 'HS256' }, { ...claims, iss }),
      ),
    403,
  ],
])('%s: refused, and nobody is signed in', async (_name, tokens, status) => {
  for (const token of [tokens()].flat()) {
    const answer = await present(`Bearer ${token}`);
    expect(answer).toEqual({ status, description: expect.stringMatching(/user token/i), userId: null });
  }
});

test('any change to a good token, and any text at all', async () => {
  const good = hmac({ alg: 'HS256' }, claims);
  const changed = fc
    .tuple(fc.integer({ min: 0, max: good.length - 1 }), fc.constantFrom(...'AZaz09-_.= '))
    .map(([at, letter]) => good.slice(0, at) + letter + good.slice(at + 1))
    // The last letter of a signature has bits that mean nothing.
    .filter((text) => text !== good && text.slice(0, -1) !== good.slice(0, -1));
  const any = fc.oneof(
    changed,
    fc.string().map((text) => text.replaceAll(/[^\x20-\x7e]/g, '')),
    fc.base64String(),
  );
  await fc.assert(
    fc.asyncProperty(any, async (text) => {
      const { status, userId } = await present(`Bearer ${text}`);
      expect({ isRefused: status === 401 || status === 400, userId }).toEqual({ isRefused: true, userId: null });
    }),
    { numRuns: 300 },
  );
});

test('any body of a phone: registered or refused, never an error of ours', async () => {
  const value = fc.oneof(fc.constantFrom('a1'.repeat(32), 'org.example', null, ''), fc.jsonValue());
  const body = fc.record(
    { token: value, bundleIdentifier: value, metadata: value, knownPreviousClientIds: value },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('fcm', 'apns'), body, async (platform, payload) => {
      const url = devices.replace(/web$/, platform);
      const answer = await world.app.inject({ method: 'POST', url, payload });
      const words = answer.json<{ id?: string; description?: string }>();
      const isRefused = [400, 401, 422].includes(answer.statusCode) && Boolean(words.description);
      expect(isRefused || words.id?.startsWith(`${platform}-`), answer.body).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a token of the far future is taken, as the hosted service does', async () => {
  const answer = await world.app.inject({
    method: 'PUT',
    url: `${device}/user`,
    headers: { authorization: `Bearer ${hmac({ alg: 'HS256' }, { ...claims, exp: 99_999_999_999 })}` },
  });
  expect(answer.statusCode).toBe(200);
});

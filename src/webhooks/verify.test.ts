import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verify } from './verify.ts';
import { WebhookError } from './webhook-error.ts';

const now = 1_614_265_330_000;
const options = { now: () => now };
const event = { type: 'v1.NotificationClicked', timestamp: '2026-01-02T03:04:05.678Z', data: { device_id: 'web-1' } };
const body = JSON.stringify(event);

const hmac = (hash: string, key: string | Buffer, text: string | Uint8Array) => createHmac(hash, key).update(text);
const newSecret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`;

/** The headers of a request signed as Standard Webhooks asks, by each of the keys. */
function standardHeaders(
  text: string | Uint8Array,
  { secrets = [] as string[], timestamp = String(now / 1_000), id = 'msg_1', extra = [] as string[] } = {},
) {
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(text)]);
  const keys = secrets.map((secret) => Buffer.from(secret.slice('whsec_'.length), 'base64'));
  const signatures = keys.map((key) => `v1,${hmac('sha256', key, signed).digest('base64')}`);
  const signature = [...extra, ...signatures].join(' ');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
}

const beamsHeaders = (text: string | Uint8Array, secret: string) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(now / 1_000),
  'webhook-signature': hmac('sha1', secret, text).digest('hex'),
});

const reasonOf = (verified: Promise<unknown>) =>
  verified.then(
    () => 'believed',
    (error: unknown) => {
      if (error instanceof WebhookError) return error.reason;
      throw error;
    },
  );

describe('the published vectors of Standard Webhooks', () => {
  const vector = '{"test": 2432232314}';
  const headers = (signature: string) => ({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': signature,
  });
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const symmetric = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  const asymmetric = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';
  const privateKey = '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
  const publicKey = `whpk_${Buffer.from(privateKey, 'base64').subarray(32).toString('base64')}`;

  // Their body is nothing that Pharos sends: what is not believed has another reason.
  test.each([
    ['v1', symmetric, secret],
    ['v1a', asymmetric, publicKey],
    ['both', `${symmetric} ${asymmetric}`, publicKey],
  ])('%s', async (_, signature, key) => {
    expect(await reasonOf(verify(vector, headers(signature), key, options))).toBe('malformed-body');
    expect(await reasonOf(verify(`${vector} `, headers(signature), key, options))).toBe('wrong-signature');
  });
});

describe('standard', () => {
  const secret = newSecret();

  test('tells id, time and event', async () => {
    expect(await verify(body, standardHeaders(body, { secrets: [secret] }), secret, options)).toEqual({
      id: 'msg_1',
      sentAt: new Date(now),
      events: [{ type: event.type, id: null, happenedAt: new Date(event.timestamp), data: event.data, customData: {} }],
    });
  });

  test('headers come as `Headers`, or with names in any case', async () => {
    const headers = standardHeaders(body, { secrets: [secret] });
    const shouted = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    for (const given of [new Headers(headers), shouted]) {
      expect(await reasonOf(verify(body, given, secret, options))).toBe('believed');
    }
  });

  test('one of several secrets, and of several signatures, is enough; unknown versions are passed over', async () => {
    const headers = standardHeaders(body, { secrets: [newSecret(24), secret], extra: ['v2,AAAA', 'v1', 'x', 'v1a,!'] });
    expect(await reasonOf(verify(body, headers, [newSecret(64), secret], options))).toBe('believed');
    expect(await reasonOf(verify(body, headers, newSecret(), options))).toBe('wrong-signature');
    const unknown = { ...headers, 'webhook-signature': 'v2,AAAA v3,BBBB' };
    expect(await reasonOf(verify(body, unknown, secret, options))).toBe('malformed-header');
  });

  test('a public key checks v1a and nothing else', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const signature = sign(null, Buffer.from(`msg_1.${now / 1_000}.${body}`), privateKey).toString('base64');
    const headers = standardHeaders(body, { extra: [`v1a,${signature}`] });
    expect(await reasonOf(verify(body, headers, `whpk_${raw.toString('base64')}`, options))).toBe('believed');
    // Nobody signs with what everybody knows.
    const forged = standardHeaders(body, { secrets: [`whsec_${raw.toString('base64')}`] });
    const forgedBeams = beamsHeaders(body, `whpk_${raw.toString('base64')}`);
    for (const headersOfOthers of [forged, forgedBeams]) {
      const verified = verify(body, headersOfOthers, `whpk_${raw.toString('base64')}`, options);
      expect(await reasonOf(verified)).toBe('wrong-signature');
    }
  });

  test.each([
    [300, 'believed'],
    [301, 'too-old'],
    [-300, 'believed'],
    [-301, 'too-new'],
  ])('%d seconds old: %s', async (ageSeconds, reason) => {
    const timestamp = String(now / 1_000 - ageSeconds);
    const headers = standardHeaders(body, { secrets: [secret], timestamp });
    expect(await reasonOf(verify(body, headers, secret, options))).toBe(reason);
    const patient = { ...options, toleranceSeconds: 400 };
    expect(await reasonOf(verify(body, headers, secret, patient))).toBe('believed');
    expect(await reasonOf(verify(body, headers, newSecret(), options))).toBe('wrong-signature');
  });

  test('a time that somebody has changed is not believed', async () => {
    const headers = standardHeaders(body, { secrets: [secret], timestamp: '1' });
    const changed = { ...headers, 'webhook-timestamp': String(now / 1_000) };
    expect(await reasonOf(verify(body, changed, secret, options))).toBe('wrong-signature');
  });

  test.each(['', 'x', '-5', '1e3', '1.5', ' 1', '9'.repeat(13)])('the time %j is none', async (timestamp) => {
    const headers = standardHeaders(body, { secrets: [secret], timestamp });
    expect(await reasonOf(verify(body, headers, secret, options))).toMatch(/-header$/);
  });

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const)('needs %s, once', async (name) => {
    const headers = standardHeaders(body, { secrets: [secret] });
    const { [name]: value, ...others } = headers;
    expect(await reasonOf(verify(body, others, secret, options))).toBe('missing-header');
    const twice = { ...others, [name]: [value, value] };
    expect(await reasonOf(verify(body, twice, secret, options))).toBe('malformed-header');
  });
});

describe('beams', () => {
  const envelope = JSON.stringify({
    payload: { user_id: 'ann' },
    metadata: {
      ...{
        created_at: '2019-03-11T10:42:16+0000',
        event_type: 'v1.UserNotificationOpen',
        event_id: 'e',
        product: 'beams',
      },
    },
    custom_data: { a: 1 },
  });

  test('tells the event with its id and custom data, whenever it was sent', async () => {
    const verified = await verify(envelope, beamsHeaders(envelope, 'my-own-secret'), 'my-own-secret');
    expect(verified.events).toEqual([
      {
        ...{ type: 'v1.UserNotificationOpen', id: 'e', happenedAt: new Date('2019-03-11T10:42:16Z') },
        ...{ data: { user_id: 'ann' }, customData: { a: 1 } },
      },
    ]);
  });

  test('a secret of the other form is taken as it is written', async () => {
    const secret = newSecret();
    expect(await reasonOf(verify(envelope, beamsHeaders(envelope, secret), secret))).toBe('believed');
  });

  test('both secrets count while they change', async () => {
    const secrets = ['the-new-secret', 'the-old-secret'];
    for (const secret of secrets) {
      expect(await reasonOf(verify(envelope, beamsHeaders(envelope, secret), secrets))).toBe('believed');
    }
    expect(await reasonOf(verify(envelope, beamsHeaders(envelope, 'another-secret'), secrets))).toBe('wrong-signature');
  });
});

describe('whatever is changed', () => {
  const secret = newSecret();
  const signers = {
    beams: { key: 'my-own-secret', headersOf: (text: Uint8Array) => beamsHeaders(text, 'my-own-secret') },
    standard: { key: secret, headersOf: (text: Uint8Array) => standardHeaders(text, { secrets: [secret] }) },
  };

  test.each(Object.entries(signers))('%s: one byte of the body', async (_, { key, headersOf }) => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    const property = fc.asyncProperty(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), async (text, at, change) => {
      const changed = Uint8Array.from(text);
      changed[at % text.length] = (text[at % text.length] ?? 0) ^ change;
      expect(await reasonOf(verify(changed, headersOf(text), key, options))).toBe('wrong-signature');
      expect(await reasonOf(verify(text, headersOf(text), key, options))).not.toMatch(/signature|header/);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test.each(Object.entries(signers))('%s: one character of the signature', async (_, { key, headersOf }) => {
    const headers = headersOf(Buffer.from(body));
    const signature = headers['webhook-signature'];
    const property = fc.asyncProperty(fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), async (at, character) => {
      const start = at % signature.length;
      const changed = signature.slice(0, start) + character + signature.slice(start + 1);
      // The last digit of base64 before `=` has bits that mean nothing.
      fc.pre(changed !== signature && start < signature.length - 2);
      const verified = verify(body, { ...headers, 'webhook-signature': changed }, key, options);
      expect(await reasonOf(verified)).toMatch(/^(wrong-signature|malformed-header)$/);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  test('headers and bodies of any kind are refused in words', async () => {
    const property = fc.asyncProperty(fc.string(), fc.string(), fc.string(), fc.uint8Array(), async (...given) => {
      const [id, timestamp, signature, text] = given;
      const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
      expect(await reasonOf(verify(text, headers, [secret, 'my-own-secret']))).not.toBe('believed');
    });
    await fc.assert(property, { numRuns: 200 });
  });
});

test.each(['', 'whsec_', 'whsec_AAAA', 'whsec_no-base64!', 'whpk_AAAA', `whsk_${'A'.repeat(86)}==`])(
  'the secret %j is a mistake of the program, and is not quoted',
  async (secret) => {
    const error: unknown = await verify(body, {}, secret).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).not.toMatch(/AAAA|no-base64/);
  },
);

test('no secret is one too', async () => {
  await expect(verify(body, {}, [])).rejects.toThrow(TypeError);
});

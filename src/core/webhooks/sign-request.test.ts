import { createHmac, createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Webhook } from '../instances/instance.ts';
import { defaultWebhookOptions } from '../instances/webhook-options.ts';
import { generateSigningKey, webhookPublicKey } from '../instances/webhook-secret.ts';
import { signatureHeaders } from './sign-request.ts';

const webhookWith = (change: Partial<Webhook>): Webhook => ({
  ...{ instanceId: 'i', id: 'w', url: 'https://site.example/', format: 'beams', events: [] },
  ...{ options: defaultWebhookOptions, secret: 'my-own-secret', previousSecret: null, signingKey: null, headers: {} },
  ...{ customData: {}, createdAt: 0, disabledAt: null, disabledReason: null },
  ...change,
});
const standard = { ...defaultWebhookOptions, signing: 'standard' } as const;

/** PKCS #8 of an Ed25519 seed (RFC 8410, section 7). */
const pkcs8Of = (seed: Uint8Array) => Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);

// The vector that Standard Webhooks' libraries share; the private key is the seed, then the public key.
const content = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  now: 1_614_265_330_000,
  body: '{"test": 2432232314}',
};
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const privateKey = Buffer.from(
  '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  'base64',
);
const symmetric = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const asymmetric = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';

describe('standard', () => {
  const signingKey = pkcs8Of(privateKey.subarray(0, 32));
  const webhook = webhookWith({ options: standard, secret, signingKey });

  test('the published vectors', () => {
    expect(signatureHeaders(webhook, content)).toEqual({
      'webhook-id': content.id,
      'webhook-timestamp': '1614265330',
      'Webhook-Signature': `${symmetric} ${asymmetric}`,
    });
    expect(webhookPublicKey(webhook)).toBe(`whpk_${privateKey.subarray(32).toString('base64')}`);
  });

  test('the previous secret signs too until its end', () => {
    const endsAt = content.now + 1;
    const rotated = { ...webhook, secret: `whsec_${'AAAA'.repeat(8)}`, previousSecret: { secret, endsAt } };
    const during = signatureHeaders(rotated, content)['Webhook-Signature']?.split(' ');
    expect(during).toEqual([expect.stringMatching(/^v1,/), symmetric, asymmetric]);
    const after = signatureHeaders(rotated, { ...content, now: endsAt })['Webhook-Signature']?.split(' ');
    expect(after).toEqual([expect.stringMatching(/^v1,/), expect.stringMatching(/^v1a,/)]);
    expect(after?.[0]).not.toBe(symmetric);
  });

  test('each webhook has a key pair of its own, and the public key checks what is signed', async () => {
    const [one, other] = [
      webhookWith({ options: standard, secret, signingKey: await generateSigningKey() }),
      webhookWith({ options: standard, secret, signingKey: await generateSigningKey() }),
    ];
    expect(webhookPublicKey(one)).not.toBe(webhookPublicKey(other));
    const signature = signatureHeaders(one, content)['Webhook-Signature']?.split(' v1a,')[1] ?? '';
    const isGood = (of: Webhook) => {
      const x = Buffer.from(webhookPublicKey(of)?.slice(5) ?? '', 'base64').toString('base64url');
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      const text = Buffer.from(`${content.id}.1614265330.${content.body}`);
      return verify(null, text, key, Buffer.from(signature, 'base64'));
    };
    expect([isGood(one), isGood(other)]).toEqual([true, false]);
  });
});

describe('beams', () => {
  const hmac = (key: string) => createHmac('sha1', key).update(content.body).digest('hex');

  test('hex HMAC-SHA1 of the body, beside id and time', () => {
    expect(signatureHeaders(webhookWith({}), content)).toEqual({
      'webhook-id': content.id,
      'webhook-timestamp': '1614265330',
      'Webhook-Signature': hmac('my-own-secret'),
    });
    expect(webhookPublicKey(webhookWith({ signingKey: pkcs8Of(privateKey.subarray(0, 32)) }))).toBeNull();
  });

  test('a secret of the other form is taken as it is written', () => {
    expect(signatureHeaders(webhookWith({ secret }), content)['Webhook-Signature']).toBe(hmac(secret));
  });

  test('the previous secret signs until its end, then the present one', () => {
    const previousSecret = { secret: 'the-old-secret', endsAt: content.now + 1 };
    const webhook = webhookWith({ previousSecret });
    expect(signatureHeaders(webhook, content)['Webhook-Signature']).toBe(hmac('the-old-secret'));
    const after = { ...content, now: previousSecret.endsAt };
    expect(signatureHeaders(webhook, after)['Webhook-Signature']).toBe(hmac('my-own-secret'));
  });
});

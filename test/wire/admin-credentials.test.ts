import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFcmService } from '../support/fcm-service.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { openAdminWorld } from './admin-world.ts';

const { serviceAccount } = createFcmService();
const p8 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const token = { keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ', privateKey: p8 as string };

let world: Awaited<ReturnType<typeof openAdminWorld>>;
let instanceId: string;
beforeAll(async () => {
  world = await openAdminWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  instanceId = (await world.created('/instances', { name: 'phones' })).id;
});

const put = (platform: string, body: object) =>
  world.call('PUT', `/instances/${instanceId}/credentials/${platform}`, body);

test('a service account is kept, and shown without its key', async () => {
  const { status, body } = await put('fcm', { serviceAccount });
  expect(status).toBe(200);
  expect(body).toEqual({
    platform: 'fcm',
    projectId: 'shop-12345',
    clientEmail: serviceAccount['client_email'],
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    setAt: expect.any(String),
    expiresAt: null,
  });
  const listed = await world.call('GET', `/instances/${instanceId}/credentials`);
  expect(listed.body).toEqual({ credentials: [body] });
  expect(await world.directory.findFcmCredentials(instanceId)).toMatchObject({
    privateKey: serviceAccount['private_key'],
  });
});

test('a key of APNs, then a certificate in its place', async () => {
  const key = await put('apns', { environment: 'sandbox', token });
  expect(key.body).toMatchObject({ kind: 'token', environment: 'sandbox', keyId: 'ABC123DEFG', expiresAt: null });
  const { cert: certificate, key: privateKey } = createTestAuthority().issue(['Apple Push Services']);
  const pem = await put('apns', { environment: 'production', certificate: { certificate, privateKey } });
  expect(pem.body).toMatchObject({ kind: 'certificate', expiresAt: expect.any(String) });
  expect(pem.body['fingerprint']).not.toBe(key.body['fingerprint']);
  expect(JSON.stringify([key.body, pem.body])).not.toContain('PRIVATE');
});

test('a .p12 file as the Keychain writes it', async () => {
  const { file, certificate } = makeP12('secret');
  const set = await put('apns', { environment: 'production', p12: { file, passphrase: 'secret' } });
  expect(set).toMatchObject({ status: 200, body: { kind: 'certificate' } });
  expect(await world.directory.findApnsCredentials(instanceId)).toMatchObject({
    certificate: forge.pki.certificateToPem(certificate),
    privateKey: expect.stringContaining('BEGIN PRIVATE KEY'),
  });
  const wrong = await put('apns', { environment: 'production', p12: { file, passphrase: 'another' } });
  expect(wrong).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('`p12`: must be') } } });
});

test.each<[string, string, object, string]>([
  [
    'no service account',
    'fcm',
    { serviceAccount: { ...serviceAccount, type: 'authorized_user' } },
    'serviceAccount.type',
  ],
  ['no key in it', 'fcm', { serviceAccount: { ...serviceAccount, private_key: 'x' } }, 'serviceAccount.private_key'],
  [
    'an elliptic key in it',
    'fcm',
    { serviceAccount: { ...serviceAccount, private_key: p8 } },
    'serviceAccount.private_key',
  ],
  [
    'a project that is a path',
    'fcm',
    { serviceAccount: { ...serviceAccount, project_id: '../x/y' } },
    'serviceAccount.project_id',
  ],
  ['nothing to prove it with', 'apns', { environment: 'production' }, 'token, certificate, p12'],
  [
    'an id of a key that is none',
    'apns',
    { environment: 'production', token: { ...token, keyId: 'x' } },
    'token.keyId',
  ],
  [
    'an RSA key',
    'apns',
    { environment: 'production', token: { ...token, privateKey: serviceAccount['private_key'] } },
    'token.privateKey',
  ],
  [
    'a key of another curve',
    'apns',
    { environment: 'production', token: { ...token, privateKey: p384 } },
    'token.privateKey',
  ],
  ['an app that is none', 'apns', { environment: 'production', token, bundleIdentifier: 'a b' }, 'bundleIdentifier'],
  [
    "another's key",
    'apns',
    {
      environment: 'production',
      certificate: { certificate: createTestAuthority().issue(['x']).cert, privateKey: p8 },
    },
    'certificate.privateKey',
  ],
])('%s: refused, named, nothing kept', async (_, platform, body, field) => {
  const answer = await put(platform, body);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid-request' } } });
  expect(JSON.stringify(answer.body)).toContain(`\`${field}\``);
  expect(JSON.stringify(answer.body)).not.toContain('PRIVATE');
  expect((await world.call('GET', `/instances/${instanceId}/credentials`)).body).toEqual({ credentials: [] });
});

test('deleted credentials are gone; others stay', async () => {
  await put('fcm', { serviceAccount });
  await put('apns', { environment: 'production', token });
  expect((await world.call('DELETE', `/instances/${instanceId}/credentials/fcm`)).status).toBe(204);
  expect(await world.call('DELETE', `/instances/${instanceId}/credentials/fcm`)).toMatchObject({
    status: 404,
    body: { error: { code: 'unknown-credentials' } },
  });
  expect(await world.directory.findFcmCredentials(instanceId)).toBeNull();
  expect(await world.directory.findApnsCredentials(instanceId)).not.toBeNull();
});

test('an instance that is not there', async () => {
  instanceId = '00000000-0000-4000-8000-000000000000';
  expect(await put('fcm', { serviceAccount })).toMatchObject({ status: 404 });
});

function makeP12(passphrase: string) {
  const { privateKey, publicKey } = forge.pki.rsa.generateKeyPair(1024);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = '01';
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  const name = [{ name: 'commonName', value: 'Apple Push Services: com.example.shop' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(privateKey, forge.md.sha256.create());
  const asn1 = forge.pkcs12.toPkcs12Asn1(privateKey, [certificate], passphrase, { algorithm: '3des' });
  return { file: Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary').toString('base64'), certificate };
}

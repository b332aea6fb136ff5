import { createPrivateKey, createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptedSecretKeys } from '../../src/core/instances/accepted-secret-keys.ts';
import type { AdminWorld } from './admin-world.ts';
import { events, openAdminWorld, refusal, unknownId, without } from './admin-world.ts';

let world: AdminWorld;
beforeEach(async () => {
  world = await openAdminWorld();
});
afterEach(() => world.close());

describe('instances', () => {
  it('are made with an id, a secret key and a VAPID key pair', async () => {
    const instance = await world.created('/instances', { name: 'shop' });
    expect(instance).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'shop',
      secretKey: expect.stringMatching(/^[0-9A-F]{64}$/),
      vapidPublicKey: expect.stringMatching(/^[\w-]{87}$/),
      allowedOrigins: null,
      feed: false,
      previousSecretKeyEndsAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    const opened = await world.directory.findInstance(instance.id);
    expect(opened?.secretKey).toBe(instance['secretKey']);
    const { publicKey, privateKey } = opened?.vapid ?? { publicKey: Buffer.of(), privateKey: Buffer.of() };
    expect(Buffer.from(publicKey).toString('base64url')).toBe(instance['vapidPublicKey']);
    // The private key's own public half is the same point.
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(spki.subarray(-65)).toEqual(Buffer.from(publicKey));
  });

  it('are stored without secrets in clear', async () => {
    const { id, secretKey } = await world.created('/instances', { name: 'shop' });
    const record = await world.store.findInstance(id);
    expect(Buffer.from(record?.secretKey ?? []).includes(String(secretKey))).toBe(false);
  });

  it('keep the id and the secret key that they had at Beams', async () => {
    const kept = { name: 'moved', id: '8F9A1C2E-0D3B-4C5D-8E7F-A1B2C3D4E5F6', secretKey: 'A'.repeat(64) };
    expect(await world.created('/instances', kept)).toMatchObject({ ...kept, id: kept.id.toLowerCase() });
    expect(await world.call('POST', '/instances', { ...kept, name: 'again' })).toEqual({
      status: 409,
      body: refusal('instance-exists', /already/),
    });
  });

  it.each([
    [{}, '`name`: must be a string.'],
    [{ name: null, id: {} }, '`name`: must be a string. `id`: must be a string.'],
    [{ name: ' ' }, '`name`: must be a text of 1 to 100 characters.'],
    [{ name: 'x', id: 'y' }, '`id`: must be a UUID in lower case.'],
    [{ name: 'x', secretKey: 'short' }, /^`secretKey`: must be 32 to 256/],
    [{ name: 'x', secretKey: `${'a'.repeat(40)} b` }, /^`secretKey`/],
    [{ name: 'x', colour: 'red', size: 1 }, 'There are no fields `colour`, `size` here.'],
    [{ name: 1, id: 2 }, /`name`: .*`id`: /],
    [[], '`body`: must be an object.'],
  ])('are refused with what is expected: %j', async (input, message) => {
    expect(await world.call('POST', '/instances', input)).toEqual({
      status: 400,
      body: refusal('invalid-request', message),
    });
  });

  it('are listed without their secret keys, and shown with them', async () => {
    const one = await world.created('/instances', { name: 'one' });
    const other = await world.created('/instances', { name: 'other' });
    const { body } = await world.call('GET', '/instances');
    const withoutKey = [one, other].map((instance) => without(instance, 'secretKey'));
    expect(body).toEqual({ instances: withoutKey, next: null });
    const [first, second] = withoutKey;
    expect((await world.call('GET', '/instances?limit=1')).body).toEqual({ instances: [first], next: one.id });
    const rest = `/instances?limit=1&after=${one.id}`;
    expect((await world.call('GET', rest)).body).toEqual({ instances: [second], next: null });
    for (const query of ['limit=0', 'limit=201', 'limit=', 'after=1', 'before=1']) {
      expect((await world.call('GET', `/instances?${query}`)).status).toBe(400);
    }
    expect(await world.call('GET', `/instances/${one.id}`)).toEqual({ status: 200, body: one });
  });

  it('take a new secret key at once, and keep the one before for the overlap', async () => {
    const { id, secretKey } = await world.created('/instances', { name: 'shop' });
    await world.directory.findInstance(id);
    const path = `/instances/${id}/secret-key`;
    const next = 'N'.repeat(40);
    const { status, body } = await world.call('POST', path, { secretKey: next, overlapSeconds: 60 });
    expect([status, body['secretKey']]).toEqual([200, next]);
    const endsAt = Date.parse(String(body['previousSecretKeyEndsAt']));
    const instance = await world.directory.findInstance(id);
    expect(instance).toMatchObject({ secretKey: next, previousSecretKey: { key: secretKey, endsAt } });
    expect(instance && acceptedSecretKeys(instance, endsAt - 1)).toEqual([next, secretKey]);
    expect(instance && acceptedSecretKeys(instance, endsAt)).toEqual([next]);
    const record = await world.store.findInstance(id);
    expect(Buffer.from(record?.previousSecretKey?.key ?? []).includes(String(secretKey))).toBe(false);

    expect(await world.call('POST', path, {})).toEqual({
      status: 409,
      body: refusal('rotation-under-way', /works until .*: end that first/),
    });
    expect(await world.call('DELETE', `/instances/${id}/previous-secret-key`)).toEqual({ status: 204, body: '' });
    expect(await world.directory.findInstance(id)).toMatchObject({ secretKey: next, previousSecretKey: null });
    expect(await world.call('DELETE', `/instances/${id}/previous-secret-key`)).toEqual({ status: 204, body: '' });
  });

  it.each([
    [{ secretKey: 'short' }, /^`secretKey`: must be 32/],
    [{ secretKey: 'P'.repeat(40) }, '`secretKey`: must be another one than the present secret key.'],
    [{ overlapSeconds: -1 }, '`overlapSeconds`: must be a whole number from 0 to 2592000.'],
    [{ overlapSeconds: 1.5 }, /^`overlapSeconds`/],
    [{ overlapDays: 1 }, 'There is no field `overlapDays` here.'],
    [{ overlapSeconds: '60' }, '`overlapSeconds`: must be a number.'],
  ])('keep their secret key when it cannot be replaced: %j', async (input, message) => {
    const { id } = await world.created('/instances', { name: 'shop', secretKey: 'P'.repeat(40) });
    const refused = { status: 400, body: refusal('invalid-request', message) };
    expect(await world.call('POST', `/instances/${id}/secret-key`, input)).toEqual(refused);
    expect(await world.directory.findInstance(id)).toMatchObject({
      secretKey: 'P'.repeat(40),
      previousSecretKey: null,
    });
    expect((await world.call('POST', `/instances/${unknownId}/secret-key`, {})).status).toBe(404);
    expect((await world.call('DELETE', `/instances/${unknownId}/previous-secret-key`)).status).toBe(404);
  });

  it('are changed in what is named, and at once for everybody', async () => {
    const { id } = await world.created('/instances', { name: 'shop' });
    await world.directory.findInstance(id);
    const origins = ['https://shop.example', 'http://localhost:3000'];
    const changed = await world.call('PATCH', `/instances/${id}`, { allowedOrigins: origins });
    expect(changed).toMatchObject({ status: 200, body: { name: 'shop', allowedOrigins: origins } });
    expect((await world.directory.findInstance(id))?.allowedOrigins).toEqual(origins);
    await world.call('PATCH', `/instances/${id}`, { name: 'shop 2', allowedOrigins: null });
    expect((await world.call('GET', `/instances/${id}`)).body).toMatchObject({ name: 'shop 2', allowedOrigins: null });
  });

  it.each([[['https://a.example/']], [['a.example']], [['https://A.example']], [['null']], [[1]], ['any']])(
    'refuse wrong origins: %j',
    async (allowedOrigins) => {
      const { id } = await world.created('/instances', { name: 'shop' });
      expect(await world.call('PATCH', `/instances/${id}`, { allowedOrigins })).toEqual({
        status: 400,
        body: refusal('invalid-request', /^`allowedOrigins/),
      });
    },
  );

  it('that do not exist are 404', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['GET', '/webhooks'],
      ['POST', '/webhooks'],
      ['GET', '/messages'],
    ] as const) {
      const body = method === 'POST' ? { url: 'https://a.example', events } : {};
      expect(await world.call(method, `/instances/${unknownId}${path}`, method === 'GET' ? undefined : body)).toEqual({
        status: 404,
        body: refusal('unknown-instance', /no instance/),
      });
    }
  });
});

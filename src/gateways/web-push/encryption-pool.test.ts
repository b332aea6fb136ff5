import { createECDH, randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { EncryptionPool } from './encryption-pool.ts';

const pools: EncryptionPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const newKeys = (): Buffer => Buffer.concat([createECDH('prime256v1').generateKeys(), randomBytes(16)]);

test('a pool that is closed fails what it had, and nothing hangs', async () => {
  const pool = new EncryptionPool(1);
  const bodies = pool.encrypt(Buffer.from('abc'), [newKeys(), newKeys()]);
  const settled = Promise.allSettled(bodies);
  await pool.close();
  for (const { status } of await settled) expect(['fulfilled', 'rejected']).toContain(status);
});

test('after its threads died a pool encrypts again', async () => {
  const pool = new EncryptionPool(2);
  pools.push(pool);
  expect(await Promise.all(pool.encrypt(Buffer.from('abc'), [newKeys()]))).toHaveLength(1);
  await pool.close();
  const bodies = await Promise.all(pool.encrypt(Buffer.from('abc'), [newKeys(), new Uint8Array(1), newKeys()]));
  expect(bodies.map((body) => body?.length ?? null)).toEqual([106, null, 106]);
});

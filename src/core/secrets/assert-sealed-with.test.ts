import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { sealInstance } from '../instances/sealed-records.ts';
import { OperatorProblem } from '../ports/operator-problem.ts';
import type { Sealer } from '../ports/sealer.ts';
import { assertSealedWith } from './assert-sealed-with.ts';
import { generateKeyring, parseKeyring } from '../../sealing/keyring.ts';
import { createSealer } from '../../sealing/sealer.ts';

const newSealer = (): Sealer => createSealer(parseKeyring(generateKeyring()));

/** A store with an instance of each sealer. */
function storeOf(...sealers: readonly Sealer[]) {
  const records = sealers.map((sealer) =>
    sealInstance(sealer, {
      ...{ id: randomUUID(), name: 'shop', createdAt: 0, secretKey: 'hush', previousSecretKey: null },
      ...{ vapid: { publicKey: Buffer.of(1), privateKey: Buffer.of(2) }, allowedOrigins: null, feed: false },
    }),
  );
  return { listInstances: async () => records };
}

test('a database that other keys have sealed is refused, and the file named', async () => {
  const refused = assertSealedWith(storeOf(newSealer(), newSealer()), newSealer(), 'master-keys.json');
  await expect(refused).rejects.toThrow(OperatorProblem);
  await expect(refused).rejects.toThrow(/has no key .* into master-keys\.json/);
});

test('a new database, and one of which only some cannot be opened, is not', async () => {
  const sealer = newSealer();
  for (const store of [storeOf(), storeOf(newSealer(), sealer)]) {
    await expect(assertSealedWith(store, sealer, 'master-keys.json')).resolves.toBeUndefined();
  }
});

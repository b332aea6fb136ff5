import { describe, expect, test } from 'vitest';
import { runOne } from '../../core/ports/command.ts';
import type { SealedValue } from '../../core/ports/sealed-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { OpenStore } from './fixtures.ts';
import { accept, anInstance, aWebhook, toInterests } from './fixtures.ts';

const old = (text: string) => new Uint8Array(Buffer.from(`old ${text}`));
const resealedOf = (sealed: Uint8Array) =>
  new Uint8Array(Buffer.concat([notBeginningWith, sealed.subarray(notBeginningWith.length)]));
const notBeginningWith = new Uint8Array(Buffer.from('new'));

async function listAll(store: Store): Promise<SealedValue[]> {
  const found: SealedValue[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.listSealed({ notBeginningWith, cursor });
    found.push(...page.values);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

async function withSealedValues(store: Store, publishes: number) {
  const instance = anInstance({
    secretKey: old('key'),
    previousSecretKey: { key: old('previous'), endsAt: 5_000 },
    vapidPrivateKey: old('private'),
  });
  await runOne(store.createInstances, instance);
  const webhook = aWebhook(instance.id, {
    url: old('url'),
    secret: old('secret'),
    previousSecret: { secret: old('previous'), endsAt: 5_000 },
    signingKey: old('signing key'),
    headers: old('headers'),
  });
  await runOne(store.createWebhooks, webhook);
  const publish = await accept(store, instance.id, toInterests('a'));
  for (let count = 1; count < publishes; count += 1) {
    await accept(store, instance.id, toInterests('a'));
  }
  return { instance, webhook, publish };
}

export function sealedValuesSuite(open: OpenStore): void {
  describe('sealed values', () => {
    test('are found in every column, and found no more once they are sealed anew', async () => {
      const store = await open();
      const { instance, webhook, publish } = await withSealedValues(store, 1);
      const found = await listAll(store);
      expect(found.map(({ place }) => place)).toEqual([
        { instanceId: instance.id, rowId: instance.id, column: 'instances.secret_key' },
        { instanceId: instance.id, rowId: instance.id, column: 'instances.previous_secret_key' },
        { instanceId: instance.id, rowId: instance.id, column: 'instances.vapid_private_key' },
        { instanceId: instance.id, rowId: webhook.id, column: 'webhooks.url' },
        { instanceId: instance.id, rowId: webhook.id, column: 'webhooks.secret' },
        { instanceId: instance.id, rowId: webhook.id, column: 'webhooks.previous_secret' },
        { instanceId: instance.id, rowId: webhook.id, column: 'webhooks.signing_key' },
        { instanceId: instance.id, rowId: webhook.id, column: 'webhooks.headers' },
        { instanceId: instance.id, rowId: publish.publishId, column: 'publishes.body' },
      ]);
      for (const value of found) {
        const item = { ...value, resealed: resealedOf(value.sealed) };
        expect(await runOne(store.reseal, item)).toBe('resealed');
        expect(await runOne(store.reseal, item)).toBe('changed');
      }
      expect(await listAll(store)).toEqual([]);
      const { secretKey, previousSecretKey } = (await store.findInstance(instance.id)) ?? anInstance();
      expect(Buffer.from(secretKey).toString()).toBe('new key');
      expect(Buffer.from(previousSecretKey?.key ?? []).toString()).toBe('new previous');
    });

    test('are read in pages', async () => {
      const store = await open();
      await withSealedValues(store, 450);
      const found = await listAll(store);
      expect(found.filter(({ place }) => place.column === 'publishes.body')).toHaveLength(450);
      expect(new Set(found.map(({ place }) => `${place.column} ${place.rowId}`)).size).toBe(458);
    });
  });

  describe('secret keys', () => {
    test('are replaced only while the present one is as expected', async () => {
      const store = await open();
      const { instance } = await withSealedValues(store, 1);
      const change = { id: instance.id, secretKey: old('third'), previousSecretKey: null };
      expect(await runOne(store.replaceSecretKeys, { ...change, expected: old('other') })).toBe('changed');
      expect(await store.findInstance(instance.id)).toEqual(instance);
      expect(await runOne(store.replaceSecretKeys, { ...change, expected: old('key') })).toBe('replaced');
      expect(await store.findInstance(instance.id)).toEqual({ ...instance, ...change });
      const unknown = { ...change, id: anInstance().id, expected: old('key') };
      expect(await runOne(store.replaceSecretKeys, unknown)).toBe('unknown-instance');
    });
  });
}

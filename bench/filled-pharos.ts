import { createECDH, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { v7 } from 'uuid';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import type { Store } from '../src/core/ports/store.ts';
import { openSqliteStore } from '../src/storage/sqlite/open-sqlite-store.ts';
import type { PharosProcess } from '../test/support/pharos-process.ts';
import { testSealer } from '../src/storage/testsuite/test-sealer.ts';

const itemsPerCommand = 1_000;
const keyPairs = 200;

/** Runs on the database of a server that does not serve meanwhile. */
export async function fillStore(pharos: PharosProcess, fill: (store: Store) => Promise<void>): Promise<void> {
  await pharos.stop();
  const store = await openSqliteStore({ sealer: testSealer, file: join(pharos.dataDir, 'pharos.db') });
  await fill(store);
  await store.close();
  await pharos.start();
}

export interface DevicesToAdd {
  readonly instanceId: string;
  readonly count: number;
  /** Endpoint of the n-th device. */
  readonly addressOf: (index: number) => string;
  readonly interestsOf: (index: number) => readonly string[];
}

/** Registers web devices with keys that can be encrypted for; answers theirs. Keys repeat, endpoints need not. */
export async function addDevices(store: Store, devices: DevicesToAdd): Promise<DeviceKey[]> {
  const { instanceId, count, addressOf, interestsOf } = devices;
  const keys = Array.from({ length: Math.min(keyPairs, count) }, () =>
    Uint8Array.from(Buffer.concat([createECDH('prime256v1').generateKeys(), randomBytes(16)])),
  );
  const added: DeviceKey[] = [];
  for (let start = 0; start < count; start += itemsPerCommand) {
    const page = Array.from({ length: Math.min(itemsPerCommand, count - start) }, (_, offset) => ({
      instanceId,
      platform: 'web' as const,
      deviceId: v7({}),
      address: addressOf(start + offset),
      keys: keys[(start + offset) % keys.length] as Uint8Array,
      metadata: '{"sdkVersion":"2.1.0"}',
    }));
    await expectAll(store.registerDevices(page));
    await expectAll(
      store.replaceInterests(page.map((device, offset) => ({ ...device, interests: interestsOf(start + offset) }))),
    );
    for (const { platform, deviceId } of page) added.push({ instanceId, platform, deviceId });
  }
  return added;
}

async function expectAll(results: Promise<readonly { readonly ok: boolean }[]>): Promise<void> {
  if (!(await results).every(({ ok }) => ok)) throw new Error('the store refused an item');
}

import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { aloneCluster } from '../ports/cluster.ts';
import { runOne, StoreUnavailable } from '../ports/command.ts';
import type { SealedValue } from '../ports/sealed-store.ts';
import type { Keyring } from '../../sealing/keyring.ts';
import { formatKeyring, generateKeyring, generateMasterKey, parseKeyring } from '../../sealing/keyring.ts';
import type { MasterKeysDeps } from './master-keys.ts';
import { MasterKeys } from './master-keys.ts';
import { createSealer } from '../../sealing/sealer.ts';

const log = { info() {}, warn() {}, error() {} };
const place = (rowId: string) => ({ instanceId: 'shop', rowId, column: 'publishes.body' }) as const;
const text = (id: string) => `text of ${id}`;

/** What outlives a process: the keyring file, and values in rows. Any step can be made the last one. */
function aDisk() {
  const rows = new Map<string, Uint8Array>();
  const disk = { keyringText: generateKeyring(), rows, stepsUntilKilled: Infinity };
  const step = () => {
    if (disk.stepsUntilKilled-- <= 0) throw new StoreUnavailable('killed');
  };
  const store: MasterKeysDeps['store'] = {
    check: async () => step(),
    async listSealed({ notBeginningWith, cursor }) {
      step();
      const ids = [...rows.keys()].slice(Number(cursor ?? 0), Number(cursor ?? 0) + 3);
      const end = Number(cursor ?? 0) + ids.length;
      const values = ids.flatMap((id): SealedValue[] => {
        const sealed = rows.get(id) as Uint8Array;
        const isNew = Buffer.from(sealed).subarray(0, notBeginningWith.length).equals(notBeginningWith);
        return isNew ? [] : [{ place: place(id), sealed }];
      });
      return { values, next: end < rows.size ? String(end) : null };
    },
    async reseal(items) {
      step();
      return items.map(({ place: { rowId }, sealed, resealed }) => {
        if (!Buffer.from(rows.get(rowId) ?? []).equals(sealed)) return { ok: true, value: 'changed' } as const;
        rows.set(rowId, resealed);
        return { ok: true, value: 'resealed' } as const;
      });
    },
  };
  return {
    ...disk,
    disk,
    store,
    start(cluster: MasterKeysDeps['cluster'] = aloneCluster) {
      const keyring: Keyring = parseKeyring(disk.keyringText);
      const sealer = createSealer(keyring);
      const writeKeyring = (written: string) => {
        step();
        disk.keyringText = written;
      };
      const readKeyring = () => disk.keyringText;
      const masterKeys = new MasterKeys({ keyring, sealer, store, log, readKeyring, writeKeyring, cluster });
      onTestFinished(() => masterKeys.stop());
      masterKeys.start();
      const write = (id: string) => rows.set(id, sealer.seal(place(id), text(id)));
      const opened = () => [...rows].map(([id, sealed]) => sealer.open(place(id), sealed).toString() === text(id));
      return { masterKeys, sealer, write, opened };
    },
    keys: () => parseKeyring(disk.keyringText).map(({ id }) => id),
  };
}

const finished = (masterKeys: MasterKeys) => expect.poll(() => masterKeys.status().resealing).toBeNull();

describe('master keys', () => {
  it('change while values are written, and the old one leaves the file last', async () => {
    const world = aDisk();
    const { masterKeys, write, opened, sealer } = world.start();
    for (let count = 0; count < 10; count += 1) write(randomUUID());
    const [old] = world.keys();
    expect(masterKeys.rotate()).toBe('rotating');
    expect(world.keys()).toEqual([expect.any(String), old]);
    expect(masterKeys.rotate()).toBe('under-way');
    write(randomUUID());
    await finished(masterKeys);
    expect(world.keys()).toEqual(masterKeys.status().keys);
    expect(world.keys()).not.toContain(old);
    expect(opened()).toEqual(Array(11).fill(true));
    for (const sealed of world.rows.values()) expect(Buffer.from(sealed).subarray(0, 5)).toEqual(sealer.header());
    expect(world.start().opened()).toEqual(Array(11).fill(true));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'leave everything open when the process dies after step %i, and the next one finishes',
    async (steps) => {
      const world = aDisk();
      const first = world.start();
      for (let count = 0; count < 7; count += 1) first.write(randomUUID());
      world.disk.stepsUntilKilled = steps;
      first.masterKeys.rotate();
      await expect
        .poll(() => {
          const { resealing } = first.masterKeys.status();
          return resealing === null || resealing.problem !== null;
        })
        .toBe(true);
      await first.masterKeys.stop();
      world.disk.stepsUntilKilled = Infinity;
      const second = world.start();
      expect(second.opened()).toEqual(Array(7).fill(true));
      await finished(second.masterKeys);
      expect(world.start().opened()).toEqual(Array(7).fill(true));
    },
  );

  it('stay as they are when the file cannot be written', () => {
    const world = aDisk();
    const { masterKeys, write, opened } = world.start();
    const before = world.keys();
    world.disk.stepsUntilKilled = 0;
    expect(() => masterKeys.rotate()).toThrow('killed');
    expect(masterKeys.status()).toEqual({ keys: before, missing: [], resealing: null });
    write('a');
    expect(world.start().opened()).toEqual(opened());
  });

  it('keep the old one while a value does not open, and say so', async () => {
    const world = aDisk();
    const { masterKeys, write } = world.start();
    write('good');
    world.rows.set('bad', Buffer.alloc(40, 1));
    masterKeys.rotate();
    await expect.poll(() => masterKeys.status().resealing?.problem).toMatch(/cannot open publishes\.body/);
    expect(world.keys()).toHaveLength(2);
  });

  it('reseal nothing that has changed meanwhile', async () => {
    const world = aDisk();
    const { write, sealer } = world.start();
    write('a');
    const sealed = world.rows.get('a') as Uint8Array;
    write('a');
    const item = { place: place('a'), sealed, resealed: sealer.seal(place('a'), 'other') };
    expect(await runOne(world.store.reseal, item)).toBe('changed');
  });
});

describe('several nodes with one keyring file', () => {
  /** What each node would tell the others; `leader` is the one that may work. */
  function nodesOf(count: number) {
    const disk = aDisk();
    const keys: (() => readonly string[])[] = [];
    const clusterOf = (index: number): MasterKeysDeps['cluster'] => ({
      alone: false,
      leads: async () => index === 0,
      everyNode: async (does, keyId) =>
        keys.every((known) => (does === 'knows' ? known().includes(keyId) : known()[0] === keyId)),
    });
    const nodes = Array.from({ length: count }, (_, index) => disk.start(clusterOf(index)));
    keys.push(
      ...nodes.map(
        ({ sealer }) =>
          () =>
            sealer.keys(),
      ),
    );
    return { disk, nodes };
  }

  it('seal with a new key only when all of them have it, and never with one that another cannot open', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { disk, nodes } = nodesOf(3);
    const [before] = parseKeyring(disk.disk.keyringText);
    nodes.forEach(({ write }, index) => write(`before ${index}`));
    expect(nodes[2]?.masterKeys.rotate()).toBe('rotating');
    expect(nodes.map(({ sealer }) => sealer.keys()[0])).toEqual([before.id, before.id, before.id]);
    for (let step = 0; step < 120; step++) {
      await vi.advanceTimersByTimeAsync(500);
      nodes.forEach(({ write }, index) => write(`at ${step} by ${index}`));
      for (const { opened } of nodes) expect(opened()).not.toContain(false);
    }
    const [after, ...others] = parseKeyring(disk.disk.keyringText);
    expect(others).toEqual([]);
    expect(after.id).not.toBe(before.id);
    expect(nodes.map(({ sealer }) => sealer.keys()[0])).toEqual([after.id, after.id, after.id]);
    expect(disk.start().opened()).not.toContain(false);
  });

  it('are not taken out of the file by a node that is late with a rotation which another one has ended', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { disk, nodes } = nodesOf(1);
    const sealing = () => nodes[0]?.sealer.keys()[0];
    const before = sealing();
    nodes[0]?.write('a');
    nodes[0]?.masterKeys.rotate();
    while (sealing() === before) await vi.advanceTimersByTimeAsync(500);
    // It is about to read everything, and then to end its rotation. The other one has, and the next key was made.
    const [second] = parseKeyring(disk.disk.keyringText);
    const third = { ...generateMasterKey(), upcoming: true } as const;
    nodes[0]?.write('b');
    disk.disk.keyringText = formatKeyring([second, third]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(disk.keys()).toEqual([third.id]);
    expect(disk.start().opened()).toEqual([true, true]);
  });
});

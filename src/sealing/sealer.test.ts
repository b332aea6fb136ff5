import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SealedPlace } from '../core/ports/sealer.ts';
import { generateKeyring, parseKeyring } from './keyring.ts';
import type { Keyring } from './keyring.ts';
import { createSealer } from './sealer.ts';

const place: SealedPlace = {
  instanceId: '0f0c2f2a-6a3e-4b6e-9d0a-0c7d3a1f9b11',
  rowId: 'a5f2a1de-7b55-4d3f-8a37-6ff0c2e0b0d1',
  column: 'webhooks.secret',
};
const newKeyring = (): Keyring => parseKeyring(generateKeyring());

describe('sealer', () => {
  it('opens what it sealed', () => {
    const sealer = createSealer(newKeyring());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (plaintext) => {
        expect(sealer.open(place, sealer.seal(place, plaintext))).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  it('seals the same text differently each time, 33 bytes longer', () => {
    const sealer = createSealer(newKeyring());
    const [one, other] = [sealer.seal(place, 'déjà vu'), sealer.seal(place, 'déjà vu')];
    expect(one).not.toEqual(other);
    expect(one).toHaveLength(Buffer.byteLength('déjà vu') + 33);
    expect(sealer.open(place, one).toString()).toBe('déjà vu');
  });

  it('opens bytes that are a view into a larger buffer, as storage returns them', () => {
    const sealer = createSealer(newKeyring());
    const sealed = sealer.seal(place, 'text');
    const larger = new Uint8Array(sealed.length + 20);
    larger.set(sealed, 7);
    expect(sealer.open(place, larger.subarray(7, 7 + sealed.length)).toString()).toBe('text');
  });

  it('does not open a value moved to another instance', () => {
    const sealer = createSealer(newKeyring());
    const moved = { ...place, instanceId: '0f0c2f2a-6a3e-4b6e-9d0a-0c7d3a1f9b12' };
    expect(() => sealer.open(moved, sealer.seal(place, 'text'))).toThrow(/moved here/);
  });

  it('does not open a value moved to another column', () => {
    const sealer = createSealer(newKeyring());
    const moved: SealedPlace = { ...place, column: 'webhooks.url' };
    expect(() => sealer.open(moved, sealer.seal(place, 'text'))).toThrow(/moved here/);
  });

  it('does not open a value moved to another row of its column', () => {
    const sealer = createSealer(newKeyring());
    const moved = { ...place, rowId: 'a5f2a1de-7b55-4d3f-8a37-6ff0c2e0b0d2' };
    expect(() => sealer.open(moved, sealer.seal(place, 'text'))).toThrow(
      `cannot open webhooks.secret (${moved.rowId}) of instance ${place.instanceId}: it is damaged or was moved here`,
    );
  });

  it('does not open a value with any one bit changed, nor one cut short', () => {
    const sealer = createSealer(newKeyring());
    const sealed = sealer.seal(place, 'text');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Uint8Array.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => sealer.open(place, damaged)).toThrow(/cannot open webhooks.secret/);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => sealer.open(place, sealed.subarray(0, length))).toThrow(/cannot open webhooks.secret/);
    }
  });

  it('names the key that is missing', () => {
    const keyring = newKeyring();
    const sealed = createSealer(keyring).seal(place, 'text');
    const other = createSealer(newKeyring());
    expect(() => other.open(place, sealed)).toThrow(`the keyring has no key ${keyring[0].id}`);
    expect(other.missing()).toEqual([keyring[0].id]);
  });

  it('opens with old keys and seals with the first', () => {
    const [old, fresh] = [newKeyring(), newKeyring()];
    const sealed = createSealer(old).seal(place, 'text');
    const both = createSealer([...fresh, ...old]);
    expect(both.open(place, sealed).toString()).toBe('text');
    expect(createSealer(fresh).open(place, both.seal(place, 'again')).toString()).toBe('again');
  });
});

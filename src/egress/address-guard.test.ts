import { expect, test } from 'vitest';
import { createAddressGuard } from './address-guard.ts';
import { forbiddenIpv4, forbiddenIpv6, publicIpv6 } from './special-purpose-ranges.ts';

const guard = createAddressGuard();

const toNumber = (address: string): bigint =>
  address.includes(':')
    ? expandIpv6(address).reduce((sum, group) => (sum << 16n) | BigInt(Number.parseInt(group, 16)), 0n)
    : address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

function expandIpv6(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  return tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
}

const toIpv4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
const toIpv6 = (value: bigint): string =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':');

/** First and last address of a network, and the ones just outside. */
function edges(network: string): { readonly inside: readonly string[]; readonly outside: readonly string[] } {
  const [address = '', prefix = ''] = network.split('/');
  const [bits, format] = address.includes(':') ? [128n, toIpv6] : [32n, toIpv4];
  const first = toNumber(address);
  const last = first + (1n << (bits - BigInt(prefix))) - 1n;
  const max = (1n << bits) - 1n;
  return {
    inside: [first, last].map(format),
    outside: [first - 1n, last + 1n].filter((value) => value >= 0n && value <= max).map(format),
  };
}

/** Neighbours that are forbidden for a reason of their own. */
const contains = (network: string, address: string): boolean => {
  const [base = '', prefix = ''] = network.split('/');
  const bits = base.includes(':') ? 128n : 32n;
  const shift = bits - BigInt(prefix);
  return base.includes(':') === address.includes(':') && toNumber(base) >> shift === toNumber(address) >> shift;
};

test.each([...forbiddenIpv4, ...forbiddenIpv6])(
  '%s: refused from its first to its last address, not beyond',
  (network) => {
    const { inside, outside } = edges(network);
    for (const address of inside) expect(guard.allows(address), address).toBe(false);
    for (const address of outside) {
      const forbidden = [...forbiddenIpv4, ...forbiddenIpv6].some((other) => contains(other, address));
      expect(guard.allows(address), address).toBe(!forbidden);
    }
  },
);

test('IPv6 outside of global unicast is refused', () => {
  const { inside, outside } = edges(publicIpv6);
  expect(inside.map((address) => guard.allows(address))).toEqual([true, true]);
  expect(outside.map((address) => guard.allows(address))).toEqual([false, false]);
});

test.each([
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::8.8.8.8',
  '64:ff9b::8.8.8.8',
  '64:ff9b:1::1',
  '100::1',
  '2002:808:808::1',
  'fc00::1',
  'fdff::1',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1%eth0',
  'ff02::1',
  'localhost',
  '0x7f.1',
  '',
])('%s is refused', (address) => {
  expect(guard.allows(address)).toBe(false);
});

test.each(['8.8.8.8', '172.15.255.255', '172.32.0.0', '2606:4700:4700::1111', '2a00:1450:4001:81b::200a'])(
  '%s is let through',
  (address) => {
    expect(guard.allows(address)).toBe(true);
  },
);

test('networks of the operator are exceptions, and nothing beside them', () => {
  const opened = createAddressGuard(['127.0.0.0/8', '::1/128', '10.1.2.3']);
  expect(['127.0.0.1', '127.255.255.255', '::1', '10.1.2.3'].map((address) => opened.allows(address))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['128.0.0.0', '::2', '10.1.2.4', '192.168.0.1'].map((address) => opened.allows(address))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test.each(['localhost', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/', ''])('%s is no network', (network) => {
  expect(() => createAddressGuard([network])).toThrow('not an IP network');
});

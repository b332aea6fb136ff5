import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientKey } from './client-key.ts';

const keyOf = (ip: string, remoteAddress = '10.9.9.9') => clientKey({ ip, socket: { remoteAddress } });

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['203.0.113.9:4711', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s counts as %s', (ip, key) => {
  expect(keyOf(ip)).toBe(key);
});

test.each(['', 'unknown', '_hidden', '300.1.1.1', '1.2.3.4.5', '[::1', 'x'.repeat(10_000)])(
  '%s is no address: the connection counts',
  (ip) => {
    expect(keyOf(ip)).toBe('10.9.9.9');
  },
);

test('neighbours in a /64 share a key, others do not', () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), group, group, (network, one, other) => {
      const address = (last: number): string => [...network, 1, 2, 3, last].map((part) => part.toString(16)).join(':');
      expect(keyOf(address(one))).toBe(keyOf(address(other)));
      const [first = 0, ...rest] = network;
      const elsewhere = [first ^ 1, ...rest, 1, 2, 3, one].map((part) => part.toString(16)).join(':');
      expect(keyOf(elsewhere)).not.toBe(keyOf(address(one)));
    }),
  );
});

test('no text is a key that is longer than an address', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(keyOf(text).length).toBeLessThan(50);
    }),
  );
});

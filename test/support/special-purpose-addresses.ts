import { isIPv4 } from 'node:net';

/**
 * The IANA IPv4 and IPv6 Special-Purpose Address Registries of 2025-10-09, in their order: [block, "Globally Reachable"]. `N/A`
 * counts as not reachable. Written down apart from the server's own table, so that neither vouches for itself. The multicast
 * blocks and the deprecated site-local one have registries of their own and stand at the end.
 */
const registry: readonly (readonly [block: string, isReachable: boolean])[] = [
  ['0.0.0.0/8', false],
  ['0.0.0.0/32', false],
  ['10.0.0.0/8', false],
  ['100.64.0.0/10', false],
  ['127.0.0.0/8', false],
  ['169.254.0.0/16', false],
  ['172.16.0.0/12', false],
  ['192.0.0.0/24', false],
  ['192.0.0.0/29', false],
  ['192.0.0.8/32', false],
  ['192.0.0.9/32', true],
  ['192.0.0.10/32', true],
  ['192.0.0.170/32', false],
  ['192.0.0.171/32', false],
  ['192.0.2.0/24', false],
  ['192.31.196.0/24', true],
  ['192.52.193.0/24', true],
  ['192.88.99.0/24', false],
  ['192.88.99.2/32', false],
  ['192.168.0.0/16', false],
  ['192.175.48.0/24', true],
  ['198.18.0.0/15', false],
  ['198.51.100.0/24', false],
  ['203.0.113.0/24', false],
  ['240.0.0.0/4', false],
  ['255.255.255.255/32', false],
  ['::1/128', false],
  ['::/128', false],
  ['::ffff:0:0/96', false],
  ['64:ff9b::/96', true],
  ['64:ff9b:1::/48', false],
  ['100::/64', false],
  ['100:0:0:1::/64', false],
  ['2001::/23', false],
  ['2001::/32', false],
  ['2001:1::1/128', true],
  ['2001:1::2/128', true],
  ['2001:1::3/128', true],
  ['2001:2::/48', false],
  ['2001:3::/32', true],
  ['2001:4:112::/48', true],
  ['2001:10::/28', false],
  ['2001:20::/28', true],
  ['2001:30::/28', true],
  ['2001:db8::/32', false],
  ['2002::/16', false],
  ['2620:4f:8000::/48', true],
  ['3fff::/20', false],
  ['5f00::/16', false],
  ['fc00::/7', false],
  ['fe80::/10', false],
  ['224.0.0.0/4', false],
  ['ff00::/8', false],
  ['fec0::/10', false],
];

interface Address {
  readonly bits: 32n | 128n;
  readonly value: bigint;
}

function parseAddress(text: string): Address {
  if (isIPv4(text)) return { bits: 32n, value: text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = canonical.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return { bits: 128n, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

interface Block extends Address {
  readonly prefix: bigint;
  readonly isReachable: boolean;
}

const blocks: readonly Block[] = registry.map(([text, isReachable]) => {
  const [address = '', prefix = ''] = text.split('/');
  return { ...parseAddress(address), prefix: BigInt(prefix), isReachable };
});

const isIn = ({ bits, value }: Address, block: Omit<Block, 'isReachable'>): boolean =>
  bits === block.bits && value >> (bits - block.prefix) === block.value >> (bits - block.prefix);

/** What IANA gives out to networks. */
const globalUnicast = { ...parseAddress('2000::'), prefix: 3n };

/** `either`: reachable says the registry, but nobody's webhook or push service lives there. */
export type Place = 'inside' | 'public' | 'either';

/** Where an IP address is. */
export function placeOf(text: string): Place {
  const address = parseAddress(text);
  if (address.bits === 128n && !isIn(address, globalUnicast)) return 'inside';
  const narrowest = blocks.filter((block) => isIn(address, block)).toSorted((a, b) => Number(b.prefix - a.prefix))[0];
  if (!narrowest) return 'public';
  return narrowest.isReachable ? 'either' : 'inside';
}

/** One spelling for each address. */
export function canonicalAddress(text: string): string {
  const { bits, value } = parseAddress(text);
  return bits === 32n ? dotted(value) : compressed(value);
}

const bytesOf = (value: bigint): bigint[] => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n);
const groupsOf = (value: bigint): string[] =>
  Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
const dotted = (value: bigint): string => bytesOf(value).join('.');
const compressed = (value: bigint): string => new URL(`http://[${groupsOf(value).join(':')}]`).hostname.slice(1, -1);

/** First and last address of each block, and the ones before and after it. */
function edges(bits: Address['bits']): bigint[] {
  const values = blocks
    .filter((block) => block.bits === bits)
    .flatMap(({ value, prefix }) => {
      const last = value + (1n << (bits - prefix)) - 1n;
      return [value - 1n, value, last, last + 1n];
    });
  return [...new Set(values)].filter((value) => value >= 0n && value < 1n << bits);
}

const octal = (value: bigint): string => `0${value.toString(8)}`;
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const wide = (text: string): string => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));

/** Hosts of URLs that all mean one IPv4 address. */
const ipv4Hosts = (value: bigint): string[] => {
  const bytes = bytesOf(value);
  return [
    dotted(value),
    `${dotted(value)}.`,
    bytes.map(hex).join('.'),
    bytes.map(octal).join('.'),
    hex(value),
    octal(value),
    String(value),
    `${bytes[0]}.${value & 0xffffffn}`,
    `${bytes[0]}.${bytes[1]}.${value & 0xffffn}`,
    wide(dotted(value)),
    dotted(value).replace(/^\d/, (digit) => `%3${digit}`),
  ];
};

/** IPv6 addresses that carry an IPv4 one: mapped, translated, compatible, NAT64 (both prefixes), 6to4, Teredo. */
const carriers = (value: bigint): string[] => {
  const text = dotted(value);
  const [high, low] = [value >> 16n, value & 0xffffn].map((group) => group.toString(16));
  const [inverseHigh, inverseLow] = [value >> 16n, value & 0xffffn].map((group) => (group ^ 0xffffn).toString(16));
  return [
    `::ffff:${text}`,
    `0:0:0:0:0:FFFF:${high}:${low}`,
    `::ffff:0:${text}`,
    `::${text}`,
    `64:ff9b::${text}`,
    `64:ff9b:1::${text}`,
    `2002:${high}:${low}::1`,
    `2001:0:1:1:0:0:${inverseHigh}:${inverseLow}`,
  ];
};

export interface SpelledAddress {
  /** As it stands in a URL. */
  readonly host: string;
  readonly address: string;
  readonly place: Place;
}

/** The edges of every block, without spellings and carriers. */
export const edgeAddresses: readonly string[] = [...edges(32n).map(dotted), ...edges(128n).map(compressed)];

/** The edges of every block in every spelling. */
export const spelledAddresses: readonly SpelledAddress[] = [
  ...edges(32n).flatMap((value) => [
    ...ipv4Hosts(value).map((host) => ({ host, address: dotted(value) })),
    ...carriers(value).map((address) => ({ host: `[${address}]`, address: canonicalAddress(address) })),
  ]),
  ...edges(128n).flatMap((value) =>
    [compressed(value), groupsOf(value).join(':').toUpperCase()].map((spelled) => ({
      host: `[${spelled}]`,
      address: compressed(value),
    })),
  ),
].map((spelled) => ({ ...spelled, place: placeOf(spelled.address) }));

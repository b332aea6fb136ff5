import { BlockList, isIP } from 'node:net';
import { forbiddenIpv4, forbiddenIpv6, publicIpv6 } from './special-purpose-ranges.ts';

/** Decides which IP addresses may be connected to. */
export interface AddressGuard {
  /** `address`: an IP literal. */
  allows(address: string): boolean;
}

/**
 * Public unicast addresses, plus the networks the operator names (`127.0.0.0/8`, `::1/128` or a single address). Throws
 * on a network that cannot be parsed.
 */
export function createAddressGuard(allowNetworks: readonly string[] = []): AddressGuard {
  const allowed = networkList(allowNetworks);
  const forbidden = networkList([...forbiddenIpv4, ...forbiddenIpv6]);
  const globalUnicast = networkList([publicIpv6]);
  return {
    allows(address) {
      // A zone (`fe80::1%eth0`) means link local, and BlockList does not look behind it.
      if (address.includes('%')) return false;
      switch (isIP(address)) {
        case 4:
          return allowed.check(address, 'ipv4') || !forbidden.check(address, 'ipv4');
        case 6:
          return (
            allowed.check(address, 'ipv6') ||
            (globalUnicast.check(address, 'ipv6') && !forbidden.check(address, 'ipv6'))
          );
        default:
          return false;
      }
    },
  };
}

function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    if (version === 0 || Number(prefix ?? bits) > bits) throw new Error(`not an IP network: ${network}`);
    list.addSubnet(address, Number(prefix ?? bits), version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

import type { Socket } from 'node:net';
import { isIP } from 'node:net';

export interface Client {
  readonly ip: string;
  readonly socket: Pick<Socket, 'remoteAddress'>;
}

/**
 * Who a request is counted against: the client's IPv4 address, or the /64 of its IPv6 address, which one subscriber has
 * whole. `ip` is what a trusted proxy said, or the connection's own address; some proxies add the port. What is no
 * address is counted against the connection that it came by.
 */
export function clientKey({ ip, socket }: Client): string {
  return addressKey(ip) ?? addressKey(socket.remoteAddress ?? '') ?? 'unknown';
}

function addressKey(text: string): string | null {
  if (isIP(text) === 4) return text;
  const [, inBrackets, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const address = (inBrackets ?? withPort ?? text).replace(/%.*$/s, '');
  switch (isIP(address)) {
    case 4:
      return address;
    case 6: {
      const groups = expandIpv6(address);
      // Dual-stack sockets show IPv4 clients as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
      const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
      const [high = 0, low = 0] = groups.slice(6);
      if (isMapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
      const network = groups.slice(0, 4).map((group) => group.toString(16));
      return `${network.join(':')}::/64`;
    }
    default:
      return null;
  }
}

/** The eight groups of a valid IPv6 address. */
function expandIpv6(address: string): readonly number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = hex.split('::');
  const groupsOf = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

import { connect } from 'node:net';
import type { Network } from '../../src/egress/network.ts';

/** Host name → local port of the server that stands for it. */
export type Routes = Readonly<Record<string, number>>;

/**
 * An internet that has only these hosts. Each gets an address that looks public, so that the address guard judges it as
 * in production; dialling it leads to the local port. Every other name and address is unknown, or left to `others`.
 */
export function routedNetwork(routes: Routes, others: Network | null = null): Network {
  const hosts = Object.keys(routes);
  const numbers = new Map(hosts.map((hostname, index) => [hostname, index + 1]));
  const addressOf = (hostname: string): string => {
    const number = numbers.get(hostname) ?? 0;
    return `34.120.${number >> 8}.${number & 255}`;
  };
  const ports = new Map(Object.entries(routes).map(([hostname, port]) => [addressOf(hostname), port]));
  return {
    async resolve(hostname) {
      if (hosts.includes(hostname)) return [addressOf(hostname)];
      if (others) return others.resolve(hostname);
      throw new Error(`${hostname} does not exist in this test`);
    },
    dial(address, port) {
      const localPort = ports.get(address);
      if (localPort !== undefined) return connect({ host: '127.0.0.1', port: localPort, noDelay: true });
      if (others) return others.dial(address, port);
      throw new Error(`${address} does not exist in this test`);
    },
  };
}

import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { createResolver, type Resolve } from './resolver.ts';

/**
 * The lowest level of everything that leaves the process. A test composition replaces it to lead public-looking
 * addresses to local servers; guard, allow-list, SNI and certificate checks above it stay as in production.
 */
export interface Network {
  /** IP literals of a host name, best first. Rejects when the name does not resolve; the signal says that nobody waits. */
  readonly resolve: Resolve;
  /** A TCP socket that is connecting to exactly this IP address. */
  dial(address: string, port: number): Socket;
}

/** The operating system's sockets, and its resolver with a queue of its own: one for webhooks, one for push services. */
export const createSystemNetwork = (): Network => ({
  resolve: createResolver({
    lookup: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
  }),
  dial: (address, port) => connect({ host: address, port, noDelay: true }),
});

import type { Server, Socket } from 'node:net';
import { BlockList, isIP } from 'node:net';
import { clientKey } from './client-key.ts';

/** Connections are plenty until this part of them is open. */
const plentyShare = 1 / 2;
/** From then on no client gets more than this part: enough for all phones behind a provider's address. */
const clientShare = 1 / 20;

/**
 * One client cannot take all connections of a server: where they run short, those who have many get no more. Trusted
 * proxies speak for many, and are not counted.
 */
export function shareConnections(server: Server, maxConnections: number, trustedProxies: readonly string[]): void {
  const proxies = new BlockList();
  for (const network of trustedProxies) {
    const [address = '', prefix] = network.split('/');
    const isIpv6 = isIP(address) === 6;
    proxies.addSubnet(address, Number(prefix ?? (isIpv6 ? 128 : 32)), isIpv6 ? 'ipv6' : 'ipv4');
  }
  let open = 0;
  const held = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const client = proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') ? null : clientKey({ ip: '', socket });
    const has = client === null ? 0 : (held.get(client) ?? 0);
    if (open >= maxConnections * plentyShare && has >= maxConnections * clientShare) return void socket.destroy();
    open += 1;
    if (client !== null) held.set(client, has + 1);
    socket.once('close', () => {
      open -= 1;
      if (client === null) return;
      const left = (held.get(client) ?? 0) - 1;
      if (left > 0) held.set(client, left);
      else held.delete(client);
    });
  });
}

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a TCP server that can stop carrying anything, while both ends think that the other is there. */
export interface FrozenWire {
  readonly port: number;
  /** From now on nothing passes, in either direction, also on new connections; what was sent waits. */
  freeze(): void;
  /** What waited passes. */
  thaw(): void;
  /** Ends all connections, as a router that restarts does. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1. */
export async function startFrozenWire(targetPort: number, targetHost = '127.0.0.1'): Promise<FrozenWire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(targetPort, targetHost);
    const pair = [near, far] as const;
    pairs.add(pair);
    const carry = (from: Socket, to: Socket): void => {
      from.on('data', (chunk) => void (to.write(chunk) || from.pause()));
      to.on('drain', () => void (frozen || from.resume()));
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      from.on('error', () => to.destroy());
      if (frozen) from.pause();
    };
    carry(near, far);
    carry(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const all = (act: (socket: Socket) => void): void => [...pairs].flat().forEach(act);
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true;
      all((socket) => socket.pause());
    },
    thaw() {
      frozen = false;
      all((socket) => socket.resume());
    },
    cut: () => all((socket) => socket.destroy()),
    async close() {
      server.close();
      all((socket) => socket.destroy());
      await once(server, 'close');
    },
  };
}

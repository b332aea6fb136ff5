import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * One of 127.0.0.1, below those that systems give to outgoing connections: while a server is down, such a connection could take
 * its port, even the one that looks whether it is up again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(16_384, 32_768);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}

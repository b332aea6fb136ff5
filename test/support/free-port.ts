import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { createServer } from 'node:net';

/**
 * One of 127.0.0.1, below those that systems give to outgoing connections: while a server is down, such a connection could take
 * its port, even the one that looks whether it is up again. Nor does anybody else who asks here get it while this process
 * lives: it holds the same port of 127.0.0.2, on systems that have this address.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(16_384, 32_768);
    const claim = await listen(port, '127.0.0.2');
    const probe = claim !== 'EADDRINUSE' && (await listen(port, '127.0.0.1'));
    if (probe && typeof probe !== 'string') {
      await new Promise((resolve) => probe.close(resolve));
      return port;
    }
    if (typeof claim !== 'string') claim.close();
  }
}

/** Or the code of what went wrong. It keeps no process alive. */
async function listen(port: number, host: string): Promise<Server | string> {
  const server = createServer().listen(port, host).unref();
  return once(server, 'listening').then(
    () => server,
    (error: NodeJS.ErrnoException) => String(error.code),
  );
}

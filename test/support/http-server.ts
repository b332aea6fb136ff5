import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpHandler } from './http-handler.ts';
import { toListener } from './http-handler.ts';

export interface LocalServer {
  /** `http://localhost:<port>`: a secure context for browsers. */
  readonly origin: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** A browser remembers workers and databases by origin: no site may get the port of one before it. */
const portsBefore = new Set<number>();

/** Plain HTTP on a loopback port, by default a free one that this process has not used yet. */
export async function startHttpServer(handler: HttpHandler, fixedPort = 0): Promise<LocalServer> {
  const server = createServer(toListener(handler));
  await new Promise<void>((resolve) => server.listen(fixedPort, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  if (fixedPort === 0 && portsBefore.has(port)) {
    server.close();
    return startHttpServer(handler);
  }
  portsBefore.add(port);
  return {
    origin: `http://localhost:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpHandler } from './http-handler.ts';
import { toListener } from './http-handler.ts';
import type { TestAuthority } from './test-authority.ts';

export interface TlsFront {
  readonly port: number;
  readonly hosts: readonly string[];
  /** How many connections were ever made: what a sender that keeps connections alive is judged by. */
  readonly connections: () => number;
  /** Ends every connection as a lost peer does: what has not been read of them never arrives. */
  readonly dropConnections: () => void;
  readonly close: () => Promise<void>;
}

/**
 * One local TLS server that stands for several hosts of the internet, each name answered by its own handler, over
 * HTTP/2 and HTTP/1.1. The sender reaches it when its `dial` leads every host here.
 */
export async function startTlsFront(
  authority: TestAuthority,
  handlers: Readonly<Record<string, HttpHandler>>,
  { http2 = true }: { readonly http2?: boolean } = {},
): Promise<TlsFront> {
  const hosts = Object.keys(handlers);
  const listener = toListener((request) => handlers[request.host]?.(request) ?? { status: 421 });
  const ALPNProtocols = http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
  const server = createSecureServer({ ...authority.issue(hosts), allowHTTP1: true, ALPNProtocols }, listener);
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('secureConnection', () => connections++);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  // A sender that goes away in mid-request is what some tests are about, not a failure of this server.
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hosts,
    connections: () => connections,
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

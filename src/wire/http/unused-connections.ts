import type { Server, Socket } from 'node:net';

/**
 * Connections by which nothing was ever asked, to be ended when the server closes: browsers and proxies open some in advance.
 * Node takes those only for idle that have been used, and would wait for the others.
 */
export function unusedConnections(server: Server, isTls: boolean): { readonly end: () => void } {
  const open = new Set<Socket>();
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    end: () => {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    },
  };
}

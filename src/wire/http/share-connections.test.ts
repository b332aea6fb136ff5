import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { shareConnections } from './share-connections.ts';

const maxConnections = 40;

/** A server, and how many of so many connections from an address stay open. */
async function serve(trustedProxies: readonly string[]) {
  const server = createServer((_request, response) => response.end());
  shareConnections(server, maxConnections, trustedProxies);
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return async (localAddress: string, count: number) => {
    const stay: Socket[] = [];
    for (let index = 0; index < count; index++) {
      const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {});
      sockets.push(socket);
      const isAnswered = new Promise((resolve) => {
        socket.once('data', () => resolve(true)).once('close', () => resolve(false));
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      });
      if (await isAnswered) stay.push(socket);
    }
    return stay;
  };
}

test('who has taken half of the connections gets no more, and others get theirs', async () => {
  const open = await serve([]);
  const greedy = await open('127.0.0.1', 25);
  expect(greedy).toHaveLength(20);
  expect(await open('127.0.0.2', 5)).toHaveLength(2);
  // What is closed makes room.
  const closed = greedy.slice(0, 3).map((socket) => once(socket.destroy(), 'close'));
  await Promise.all(closed);
  await expect.poll(async () => (await open('127.0.0.2', 1)).length).toBe(1);
});

test('a trusted proxy gets as many as there are', async () => {
  const open = await serve(['10.0.0.0/8', '::1', '127.0.0.1']);
  expect(await open('127.0.0.1', 30)).toHaveLength(30);
  expect(await open('127.0.0.2', 3)).toHaveLength(2);
});

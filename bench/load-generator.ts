/**
 * Clients that cost as little as possible, in a process of their own: raw sockets, kept alive, one request at a time
 * each. Speaks over IPC: a `LoadOrder` sends all its bodies; a `LoadResult` comes back.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
  readonly clients: number;
  /** One POST each, in this order. */
  readonly bodies: readonly string[];
}

export interface LoadResult {
  readonly requestsPerSecond: number;
}

const headEnd = Buffer.from('\r\n\r\n');

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());

async function run({ port, path, authorization, clients, bodies }: LoadOrder): Promise<LoadResult> {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n`;
  const requests = bodies.map((body) => `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  const sockets = await Promise.all(Array.from({ length: clients }, () => open(port)));
  let next = 0;
  const nextRequest = () => requests[next++];
  const startedAt = performance.now();
  await Promise.all(sockets.map((socket) => sendInTurn(socket, nextRequest)));
  const elapsedMs = performance.now() - startedAt;
  for (const socket of sockets) socket.destroy();
  return { requestsPerSecond: (bodies.length / elapsedMs) * 1000 };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends until nothing is left; rejects when an answer is not 200. */
function sendInTurn(socket: Socket, nextRequest: () => string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const send = (): void => {
      const request = nextRequest();
      if (request === undefined) resolve();
      else socket.write(request);
    };
    socket.on('error', reject).on('close', () => reject(new Error('the server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const end = received.indexOf(headEnd);
      if (end < 0) return;
      const answer = received.toString('latin1', 0, end);
      const bodyBytes = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
      if (received.length < end + headEnd.length + bodyBytes) return;
      if (!answer.startsWith('HTTP/1.1 200')) return reject(new Error(`answered ${received.toString()}`));
      received = Buffer.alloc(0);
      send();
    });
    send();
  });
}

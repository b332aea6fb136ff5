/**
 * A push service for benchmarks, in a process of its own: answers every POST with 201 over TLS (HTTP/2 and HTTP/1.1) and
 * counts them. Speaks over IPC: `{expect}` resets the count; `{reached}` comes back when that many have arrived.
 */
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createTestAuthority } from '../test/support/test-authority.ts';

/** What it says, one key a message. */
export interface ReceiverMessages {
  readonly listening: { readonly port: number; readonly certificate: string };
  readonly expecting: number;
  readonly reached: number;
}

const authority = createTestAuthority();
const send = (message: Partial<ReceiverMessages>): void => void process.send?.(message);
let expected = 0;
let arrived = 0;

const server = createSecureServer(
  { ...authority.issue(['localhost']), allowHTTP1: true, settings: { maxConcurrentStreams: 1000 } },
  (request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(201);
      response.end();
      arrived += 1;
      if (arrived === expected) send({ reached: arrived });
    });
  },
);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  send({ listening: { port, certificate: authority.certificate } });
});
process.on('message', (message: { readonly expect: number }) => {
  expected = message.expect;
  arrived = 0;
  send({ expecting: expected });
});
process.on('disconnect', () => process.exit());

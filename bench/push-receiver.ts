/**
 * A push service for benchmarks, in a process of its own: answers every POST with 201 over TLS (HTTP/2 and HTTP/1.1) and
 * counts them. Speaks over IPC: `{expect}` resets the count; `{reached}` comes back when that many have arrived.
 */
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createTestAuthority } from '../test/support/test-authority.ts';

/** What it says, one key a message. */
export interface ReceiverMessages {
  readonly listening: { readonly port: number; readonly http1Port: number; readonly certificate: string };
  readonly expecting: number;
  readonly reached: number;
}

const authority = createTestAuthority();
const send = (message: Partial<ReceiverMessages>): void => void process.send?.(message);
let expected = 0;
let arrived = 0;

const certificate = authority.issue(['localhost']);
function count(): void {
  arrived += 1;
  if (arrived === expected) send({ reached: arrived });
}

// Two servers, each with the leanest way to answer: what the receiver uses, the sender beside it cannot.
const http2 = createSecureServer({ ...certificate, settings: { maxConcurrentStreams: 1000 } });
http2.on('stream', (stream) => {
  stream.resume();
  stream.on('end', () => {
    stream.respond({ ':status': 201 }, { endStream: true });
    count();
  });
});
// The baseline's connections rest while the others send: closed then, one could be as it is used again.
const http1 = createServer({ ...certificate, keepAliveTimeout: 0 }, (request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(201).end();
    count();
  });
});
http2.listen(0, '127.0.0.1', () => {
  http1.listen(0, '127.0.0.1', () => {
    const [port, http1Port] = [http2, http1].map((server) => (server.address() as AddressInfo).port);
    send({ listening: { port: port ?? 0, http1Port: http1Port ?? 0, certificate: authority.certificate } });
  });
});
process.on('message', (message: { readonly expect: number }) => {
  expected = message.expect;
  arrived = 0;
  send({ expecting: expected });
});
process.on('disconnect', () => process.exit());

/**
 * Google's and Apple's servers for benchmarks, in a process of their own: answer every request with success over HTTP/2
 * and HTTP/1.1 and TLS. Says over IPC where it listens, and how many deliveries came so far when asked.
 */
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createTestAuthority } from '../test/support/test-authority.ts';

/** The first thing that it says; later messages are counts. */
export interface PhoneReceiver {
  readonly port: number;
  /** PEM of the authority that its certificate is from. */
  readonly authority: string;
}

const authority = createTestAuthority();
const hosts = ['fcm.googleapis.com', 'oauth2.googleapis.com', 'api.push.apple.com', 'localhost'];
const token = JSON.stringify({ access_token: 'token', expires_in: 3600, token_type: 'Bearer' });
const sent = JSON.stringify({ name: 'projects/bench/messages/1' });
let deliveries = 0;

const server = createSecureServer(
  { ...authority.issue(hosts), allowHTTP1: true, settings: { maxConcurrentStreams: 1000 } },
  (request, response) => {
    request.resume();
    request.on('end', () => {
      if (request.url === '/token') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(token);
        return;
      }
      deliveries += 1;
      if (request.url.startsWith('/3/')) response.writeHead(200).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(sent);
    });
  },
);
server.on('sessionError', () => undefined);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port, authority: authority.certificate } satisfies PhoneReceiver);
});
process.on('message', () => process.send?.(deliveries));
process.on('disconnect', () => process.exit());

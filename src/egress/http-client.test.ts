import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { HttpOutcome } from '../core/ports/http-client.ts';
import { createTestAuthority } from '../../test/support/test-authority.ts';
import { createAddressGuard } from './address-guard.ts';
import { createHttpClient } from './http-client.ts';

const authority = createTestAuthority();
const credentials = authority.issue(['hooks.test', 'a.test', 'b.test', 'c.test']);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(listener: RequestListener, secure = true): Promise<Server> {
  const server = secure ? createHttpsServer(credentials, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

interface Client {
  readonly dialled: string[];
  readonly post: (url: string, timeoutMs?: number) => Promise<HttpOutcome>;
}

/** A client that finds every host name at one public-looking address, and behind every address the local server. */
function clientOf(
  server: Server,
  options: { allowHttp?: boolean; allowNetworks?: string[]; maxOrigins?: number; maxConnections?: number } = {},
): Client {
  const dialled: string[] = [];
  const { allowHttp = false, allowNetworks = [], maxOrigins = 10, maxConnections = 50 } = options;
  const client = createHttpClient({
    network: {
      resolve: async () => ['34.120.0.1'],
      dial(address, port) {
        dialled.push(`${address} ${port}`);
        return connect((server.address() as AddressInfo).port, '127.0.0.1');
      },
    },
    guard: createAddressGuard(allowNetworks),
    ca: authority.certificate,
    allowHttp,
    maxOrigins,
    maxConnectionsPerOrigin: maxConnections,
  });
  cleanups.push(() => client.close());
  return {
    dialled,
    post: (url, timeoutMs = 5000) =>
      client.post({ url: new URL(url), headers: { 'content-type': 'application/json' }, body: '{"ü":1}', timeoutMs }),
  };
}

const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): RequestListener =>
  (request, response) =>
    void request.resume().on('end', () => response.writeHead(status, headers).end(body));

test('posts what it is given and keeps the connection', async () => {
  const seen: string[] = [];
  const server = await serve((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers.host, request.headers['content-type'], body].join(' '));
      response.writeHead(204).end();
    });
  });
  const { post, dialled } = clientOf(server);
  const response = { kind: 'response', status: 204, retryAfterMs: null };
  for (let index = 0; index < 10; index += 1) expect(await post('https://hooks.test/in?x=1')).toMatchObject(response);
  expect(seen).toEqual(Array(10).fill('POST /in?x=1 hooks.test application/json {"ü":1}'));
  // A second connection, when the first is not free again yet.
  expect(dialled.length).toBeLessThanOrEqual(2);
  expect(dialled[0]).toBe('34.120.0.1 443');
});

test('requests beyond the connections wait for one, but not longer than their time', async () => {
  const held: (() => void)[] = [];
  const server = await serve((request, response) => {
    if (request.url === '/hang') return;
    held.push(() => response.writeHead(200).end());
    if (held.length === 2) for (const answerOne of held) answerOne();
    if (held.length > 2) held.at(-1)?.();
  });
  const { post, dialled } = clientOf(server, { maxConnections: 2 });
  const paths = ['/1', '/2', '/3', '/4', '/5'];
  const outcomes = await Promise.all(paths.map((path) => post(`https://hooks.test${path}`)));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 200, address: '34.120.0.1' });
  expect(dialled).toHaveLength(2);
  const late = await Promise.all([
    post('https://hooks.test/hang', 400),
    post('https://hooks.test/hang', 400),
    post('https://hooks.test/6', 200),
  ]);
  for (const outcome of late) expect(outcome).toMatchObject({ kind: 'error', reason: 'timeout' });
  expect(await post('https://hooks.test/7')).toMatchObject({ status: 200 });
});

test('another port, Retry-After, no redirects', async () => {
  const { post, dialled } = clientOf(await serve(answer(302, { location: '/next', 'retry-after': '9' })));
  expect(await post('https://hooks.test:8443/')).toMatchObject({
    ...{ kind: 'response', status: 302, retryAfterMs: 9000 },
  });
  expect(dialled).toEqual(['34.120.0.1 8443']);
});

test('http only where it is allowed', async () => {
  const server = await serve(answer(200), false);
  const closed = clientOf(server);
  expect(await closed.post('http://hooks.test/')).toMatchObject({ kind: 'error', reason: 'refused' });
  expect(closed.dialled).toEqual([]);
  const open = clientOf(server, { allowHttp: true });
  expect(await open.post('http://hooks.test/')).toMatchObject({ status: 200 });
  expect(open.dialled).toEqual(['34.120.0.1 80']);
  expect(await open.post('ftp://hooks.test/')).toMatchObject({ kind: 'error', reason: 'refused' });
});

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://2130706433/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://169.254.169.254/latest',
  'http://１２７.0.0.1/',
])('%s is refused before anything is dialled', async (url) => {
  const { post, dialled } = clientOf(await serve(answer(200), false), { allowHttp: true });
  expect(await post(url)).toMatchObject({ kind: 'error', reason: 'refused' });
  expect(dialled).toEqual([]);
});

test('an allowed network is reached by its address', async () => {
  const { post, dialled } = clientOf(await serve(answer(200), false), {
    allowHttp: true,
    allowNetworks: ['127.0.0.0/8'],
  });
  expect(await post('http://0x7f.1/')).toMatchObject({ status: 200 });
  expect(dialled).toEqual(['127.0.0.1 80']);
});

test('the deadline ends a silent server, and the words name no credentials', async () => {
  const { post } = clientOf(await serve(() => undefined));
  const outcome = await post('https://user:secret@hooks.test/token?key=secret', 200);
  expect(outcome).toMatchObject({ kind: 'error', reason: 'timeout' });
  expect(JSON.stringify(outcome)).not.toContain('secret');
});

test('a status counts, even if its body never ends', async () => {
  const { post } = clientOf(await serve((_request, response) => void response.writeHead(200).write('…')));
  expect(await post('https://hooks.test/', 2_000)).toMatchObject({ kind: 'response', status: 200 });
});

test('a huge body is cut off, and the next request gets a connection', async () => {
  const { post, dialled } = clientOf(await serve((_request, response) => void response.end(Buffer.alloc(10_000_000))));
  expect(await post('https://hooks.test/')).toMatchObject({ status: 200 });
  expect(await post('https://hooks.test/')).toMatchObject({ status: 200 });
  expect(dialled).toHaveLength(2);
});

test('what came back: headers without cookies, the beginning of the body, the address', async () => {
  const body = `\0${'ü'.repeat(5_000)}`;
  const { post } = clientOf(await serve(answer(418, { 'x-told': 'tea', 'set-cookie': 'session=secret' }, body)));
  const outcome = await post('https://hooks.test/');
  expect(outcome).toMatchObject({ address: '34.120.0.1', headers: { 'x-told': 'tea' } });
  if (outcome.kind !== 'response') throw new Error(outcome.message);
  expect(outcome.headers).not.toHaveProperty('set-cookie');
  expect(outcome.body.slice(0, 2)).toBe('\ufffdü');
  expect(outcome.body.length).toBeLessThan(2_060);
});

test('headers are kept up to a bound', async () => {
  const headers = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`x-${index}`, 'a'.repeat(1_000)]));
  const { post } = clientOf(await serve(answer(200, headers)));
  const outcome = await post('https://hooks.test/');
  if (outcome.kind !== 'response') throw new Error(outcome.message);
  expect(Object.keys(outcome.headers)).toEqual(['x-0', 'x-1', 'x-2', 'x-3']);
});

test('a port that speaks no TLS is told in plain words', async () => {
  const outcome = await clientOf(await serve(answer(200), false)).post('https://hooks.test/');
  const message = 'could not connect to hooks.test: wrong version number (ERR_SSL_WRONG_VERSION_NUMBER)';
  expect(outcome).toMatchObject({ kind: 'error', reason: 'connection', message });
});

test('a certificate for another name: the address is told, nothing is sent', async () => {
  const server = await serve(() => {
    throw new Error('the request was sent');
  });
  expect(await clientOf(server).post('https://other.test/')).toMatchObject({
    ...{ kind: 'error', reason: 'connection', address: '34.120.0.1' },
    message: expect.stringContaining("does not match certificate's altnames"),
  });
});

test('a connection that is closed without an answer is a value', async () => {
  const { post } = clientOf(await serve((request) => void request.socket.destroy()));
  expect(await post('https://hooks.test/')).toMatchObject({ kind: 'error', reason: 'connection' });
});

test('the longest unused host is let go when there are too many', async () => {
  const { post, dialled } = clientOf(await serve(answer(200)), { maxOrigins: 2 });
  for (const host of ['a', 'b', 'a', 'c', 'a', 'b'])
    expect(await post(`https://${host}.test/`)).toMatchObject({ status: 200 });
  // Only b was let go, when c came.
  expect(dialled).toHaveLength(4);
});

test('with only busy hosts there is no room for another', async () => {
  const { post } = clientOf(await serve(() => undefined), { maxOrigins: 1 });
  const [hanging, other] = await Promise.all([post('https://a.test/', 300), post('https://b.test/', 300)]);
  expect(hanging).toMatchObject({ reason: 'timeout' });
  expect(other).toMatchObject({ reason: 'connection' });
});

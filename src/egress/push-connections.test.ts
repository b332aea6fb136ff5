import http2 from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer as createTcpServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { PushConnections, PushResponse } from '../core/ports/push-connections.ts';
import { createTestAuthority } from '../../test/support/test-authority.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { createAddressGuard } from './address-guard.ts';
import type { Network } from './network.ts';
import { createPushConnections } from './push-connections.ts';

const authority = createTestAuthority();
const credentials = authority.issue(['push.test']);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Wire {
  readonly dialled: string[];
  readonly sockets: Socket[];
  readonly connections: PushConnections;
}

/** Connections that find `push.test` at these addresses, all of which lead to the local server. */
function wireTo(server: Server | null, addresses: readonly string[] = ['34.120.0.1']): Wire {
  const dialled: string[] = [];
  const sockets: Socket[] = [];
  const network: Network = {
    resolve: async () => addresses,
    dial(address, port) {
      dialled.push(`${address} ${port}`);
      const socket = connect((server?.address() as AddressInfo | undefined)?.port ?? 1, '127.0.0.1');
      sockets.push(socket);
      return socket;
    },
  };
  const connections = createPushConnections({ network, guard: createAddressGuard(), ca: authority.certificate });
  cleanups.push(() => connections.close());
  return { dialled, sockets, connections };
}

async function listening<Listener extends Server>(server: Listener): Promise<Listener> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    // A peer that resets is part of these tests.
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return server;
}

type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

const http2Server = (onStream: OnStream, settings: http2.Settings = {}): Promise<http2.Http2SecureServer> => {
  const server = http2.createSecureServer({ ...credentials, settings });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    onStream(stream, headers);
  });
  server.on('sessionError', () => undefined);
  return listening(server);
};

const post = (connections: PushConnections, path = '/send', timeoutMs = 5000): Promise<PushResponse> =>
  connections.request({
    origin: 'https://push.test',
    path,
    headers: { ttl: '60', 'content-type': 'application/octet-stream' },
    body: Buffer.from('encrypted'),
    timeoutMs,
  });

const created = { kind: 'response', status: 201, retryAfterMs: null, text: '' };

test('HTTP/2 where it is offered: one connection, SNI, headers and body as given', async () => {
  const seen: unknown[] = [];
  const server = await http2Server((stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const { servername } = (stream.session as http2.ServerHttp2Session).socket as TLSSocket & { servername: string };
      seen.push([
        headers[':authority'],
        headers[':path'],
        headers['ttl'],
        headers['content-length'],
        servername,
        Buffer.concat(chunks).toString(),
      ]);
      stream.respond({ ':status': 201 }, { endStream: true });
    });
  });
  const { connections, dialled } = wireTo(server);
  expect(await post(connections, '/a?b=c')).toEqual(created);
  expect(await Promise.all([post(connections), post(connections)])).toEqual([created, created]);
  expect(seen[0]).toEqual(['push.test', '/a?b=c', '60', '9', 'push.test', 'encrypted']);
  expect(dialled).toEqual(['34.120.0.1 443']);
});

test('HTTP/1.1 otherwise: the connection that asked is used and kept alive', async () => {
  let requests = 0;
  const server = await listening(
    createHttpsServer(credentials, (request, response) => {
      requests += 1;
      request.resume().on('end', () => response.writeHead(201).end());
    }),
  );
  const { connections, dialled } = wireTo(server);
  for (let index = 0; index < 10; index += 1) expect(await post(connections)).toEqual(created);
  expect(requests).toBe(10);
  // A second one, when the first is not free again yet.
  expect(dialled.length).toBeLessThanOrEqual(2);
});

test('more HTTP/2 sessions as streams run out, none of them beyond the limit of the peer', async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const perSession = new Map<unknown, number>();
  const server = await http2Server(
    (stream) => {
      held.push(stream);
      perSession.set(stream.session, (perSession.get(stream.session) ?? 0) + 1);
    },
    { maxConcurrentStreams: 5 },
  );
  const { connections, dialled } = wireTo(server);
  // Settings of the peer arrive with the first exchange.
  const first = post(connections);
  (await waitFor('the first stream', () => held.shift())).respond({ ':status': 201 }, { endStream: true });
  await first;
  perSession.clear();

  const requests = Array.from({ length: 20 }, () => post(connections));
  await waitFor('all streams', () => held.length === 20);
  expect(Math.max(...perSession.values())).toBeLessThanOrEqual(5);
  expect(dialled.length).toBeGreaterThanOrEqual(4);
  for (const stream of held) stream.respond({ ':status': 201 }, { endStream: true });
  expect(await Promise.all(requests)).toEqual(requests.map(() => created));
});

test('requests wait for a stream when the sessions are all that may be, and get one', async () => {
  const server = await http2Server((stream) => stream.respond({ ':status': 201 }, { endStream: true }), {
    maxConcurrentStreams: 2,
  });
  const { connections, dialled } = wireTo(server);
  expect(await post(connections)).toEqual(created);
  const responses = await Promise.all(Array.from({ length: 300 }, () => post(connections)));
  expect(responses.filter((response) => response.kind === 'response')).toHaveLength(300);
  expect(dialled.length).toBeLessThanOrEqual(8);
});

test('GOAWAY in the middle: what the peer took is answered, the next goes to another connection', async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const server = await http2Server((stream) => void held.push(stream));
  const { connections, dialled } = wireTo(server);
  const before = post(connections);
  const taken = await waitFor('the stream', () => held.shift());
  taken.session?.goaway(http2.constants.NGHTTP2_NO_ERROR);
  await waitFor('the peer to see it', async () => {
    const after = post(connections);
    (await waitFor('the next stream', () => held.pop())).respond({ ':status': 201 }, { endStream: true });
    await after;
    return dialled.length > 1;
  });
  taken.respond({ ':status': 201 }, { endStream: true });
  expect(await before).toEqual(created);
});

test('a request that the peer refused unseen is sent once more', async () => {
  let streams = 0;
  const server = await http2Server((stream) => {
    streams += 1;
    if (streams === 1) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else stream.respond({ ':status': 201 }, { endStream: true });
  });
  expect(await post(wireTo(server).connections)).toEqual(created);
});

test('a request that is always refused ends', async () => {
  const server = await http2Server((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM));
  expect(await post(wireTo(server).connections)).toMatchObject({ kind: 'error', reason: 'connection' });
});

test('a session that dies fails its requests one by one; the next request gets a new one', async () => {
  let dying = true;
  const raw: Socket[] = [];
  const server = await http2Server((stream) => {
    if (dying) for (const socket of raw) socket.destroy();
    else stream.respond({ ':status': 201 }, { endStream: true });
  });
  server.on('connection', (socket: Socket) => void raw.push(socket));
  const { connections, dialled } = wireTo(server);
  const failures = await Promise.all([post(connections), post(connections), post(connections)]);
  expect(failures.map((failure) => failure.kind === 'error' && failure.reason)).toEqual(Array(3).fill('connection'));
  dying = false;
  expect(await post(connections)).toEqual(created);
  expect(dialled.length).toBeGreaterThan(1);
});

test.each(['h2', 'http/1.1'])(
  '%s: a service that never answers costs a deadline, and blocks nothing after it',
  async (alpn) => {
    let hanging = true;
    const server =
      alpn === 'h2'
        ? await http2Server((stream) => void (hanging || stream.respond({ ':status': 201 }, { endStream: true })))
        : await listening(
            createHttpsServer(credentials, (request, response) => {
              request.resume().on('end', () => void (hanging || response.writeHead(201).end()));
            }),
          );
    const { connections } = wireTo(server);
    expect(await post(connections, '/', 200)).toMatchObject({ kind: 'error', reason: 'timeout' });
    hanging = false;
    expect(await post(connections)).toEqual(created);
  },
);

test.each(['h2', 'http/1.1'])('%s: of a body of 10 MB the beginning is read', async (alpn) => {
  const big = Buffer.alloc(10_000_000, 'x');
  let closed = false;
  const server =
    alpn === 'h2'
      ? await http2Server((stream) => {
          stream.on('close', () => (closed = true));
          stream.respond({ ':status': 400 });
          stream.end(big);
        })
      : await listening(
          createHttpsServer(credentials, (_request, response) => {
            response.on('close', () => (closed = true));
            response.writeHead(400).end(big);
          }),
        );
  const response = await post(wireTo(server).connections);
  expect(response).toEqual({ kind: 'response', status: 400, retryAfterMs: null, text: 'x'.repeat(4096) });
  await waitFor('the end of the response', () => closed);
});

test.each(['h2', 'http/1.1'])('%s: redirects are answers, Retry-After is read', async (alpn) => {
  let requests = 0;
  const headers = { location: 'https://push.test/elsewhere', 'retry-after': '30' };
  const server =
    alpn === 'h2'
      ? await http2Server((stream) => {
          requests += 1;
          stream.respond({ ':status': 307, ...headers }, { endStream: true });
        })
      : await listening(
          createHttpsServer(credentials, (_request, response) => {
            requests += 1;
            response.writeHead(307, headers).end();
          }),
        );
  expect(await post(wireTo(server).connections)).toMatchObject({ status: 307, retryAfterMs: 30_000 });
  expect(requests).toBe(1);
});

test('a connection that is reset after the request is a value', async () => {
  const raw: Socket[] = [];
  const server = await listening(
    createHttpsServer(credentials, () => {
      for (const socket of raw) socket.resetAndDestroy();
    }),
  );
  server.on('connection', (socket: Socket) => void raw.push(socket));
  expect(await post(wireTo(server).connections)).toMatchObject({ kind: 'error', reason: 'connection' });
});

test('nobody listens', async () => {
  expect(await post(wireTo(null).connections)).toMatchObject({
    kind: 'error',
    reason: 'connection',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

test('a peer that never speaks TLS costs no more than the deadline', async () => {
  const { connections, sockets } = wireTo(await listening(createTcpServer()));
  expect(await post(connections, '/', 200)).toMatchObject({ kind: 'error', reason: 'timeout' });
  for (const socket of sockets) socket.destroy();
});

test('a certificate for another name is not accepted', async () => {
  const other = authority.issue(['other.test']);
  const server = await listening(createHttpsServer(other, () => undefined));
  expect(await post(wireTo(server).connections)).toMatchObject({
    kind: 'error',
    reason: 'connection',
    message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
  });
});

test('a certificate of an unknown authority is not accepted', async () => {
  const server = await listening(createHttpsServer(createTestAuthority().issue(['push.test']), () => undefined));
  expect(await post(wireTo(server).connections)).toMatchObject({ kind: 'error', reason: 'connection' });
});

test('a name that leads inside is refused before anything is dialled', async () => {
  const { connections, dialled } = wireTo(null, ['127.0.0.1', '::ffff:10.0.0.1', 'fd00::1']);
  expect(await post(connections)).toMatchObject({ kind: 'error', reason: 'refused' });
  expect(dialled).toEqual([]);
});

test('of a mixed answer only the public address is dialled', async () => {
  const server = await http2Server((stream) => stream.respond({ ':status': 201 }, { endStream: true }));
  const { connections, dialled } = wireTo(server, ['10.0.0.1', '34.120.0.9', '::1']);
  expect(await post(connections)).toEqual(created);
  expect(dialled).toEqual(['34.120.0.9 443']);
});

test('closing waits for the answer', async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const server = await http2Server((stream) => void held.push(stream));
  const { connections } = wireTo(server);
  const request = post(connections);
  const stream = await waitFor('the stream', () => held[0]);
  const closed = connections.close();
  stream.respond({ ':status': 201 }, { endStream: true });
  expect(await request).toEqual(created);
  await closed;
});

test('a connection that comes when all is closed is let go of', async () => {
  const held: http2.ServerHttp2Stream[] = [];
  const server = await http2Server((stream) => void held.push(stream), { maxConcurrentStreams: 1 });
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const network: Network = {
    resolve: async () => ['34.120.0.1'],
    dial() {
      const socket = new Socket();
      if (sockets.push(socket) === 1) socket.connect(port, '127.0.0.1');
      return socket;
    },
  };
  const connections = createPushConnections({ network, guard: createAddressGuard(), ca: authority.certificate });
  const requests = [post(connections), post(connections)];
  await waitFor('the second connection', () => sockets.length === 2 && held.length === 1);
  held[0]?.respond({ ':status': 201 }, { endStream: true });
  (await waitFor('the second stream', () => held[1])).respond({ ':status': 201 }, { endStream: true });
  expect(await Promise.all(requests)).toEqual([created, created]);
  await connections.close();
  sockets[1]?.connect(port, '127.0.0.1');
  await waitFor('it to be let go of', () => sockets[1]?.closed);
});

test('closing does not wait for a peer that is gone', async () => {
  const server = await http2Server((stream) => {
    stream.respond({ ':status': 502 });
    stream.end('x'.repeat(200_000));
  });
  const atPeer: Socket[] = [];
  server.on('connection', (socket: Socket) => atPeer.push(socket));
  const { connections } = wireTo(server);
  expect(await post(connections)).toMatchObject({ status: 502 });
  // In the middle of a body that was too long.
  for (const socket of atPeer) socket.destroy();
  await connections.close();
});

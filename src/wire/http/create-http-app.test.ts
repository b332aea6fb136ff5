import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createTestAuthority } from '../../../test/support/test-authority.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Log } from '../../core/ports/log.ts';
import { createHttpApp, type HttpAppOptions } from './create-http-app.ts';
import { healthRoutes } from './health-routes.ts';
import { scriptRoutes } from './script-routes.ts';

interface Entry {
  readonly level: keyof Log;
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

async function openApp(options: Partial<HttpAppOptions> = {}): Promise<{ app: FastifyInstance; logged: Entry[] }> {
  const logged: Entry[] = [];
  const at =
    (level: keyof Log): Log['info'] =>
    (event, fields = {}) =>
      void logged.push({ level, event, fields });
  const log: Log = { info: at('info'), warn: at('warn'), error: at('error') };
  const app = await createHttpApp({ log, tls: null, trustedProxies: [], routes: [], ...options });
  onTestFinished(() => app.close());
  return { app, logged };
}

async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

const get = (client: typeof http | typeof https, options: https.RequestOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    client
      .get({ host: '127.0.0.1', ...options }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(`${response.statusCode} ${text}`));
      })
      .on('error', reject);
  });

/** Writes raw bytes and reads until the server closes. */
const exchange = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

const failing =
  (error: Error): FastifyPluginAsync =>
  async (app) => {
    app.get('/fails', async () => {
      throw error;
    });
    app.post('/echo', { bodyLimit: 100 }, (request, reply) => reply.send({ body: request.body ?? 'none' }));
    app.get('/address', (request, reply) => reply.send({ ip: request.ip }));
  };

describe('listeners', () => {
  test('plain HTTP and HTTPS serve the same routes at once', async () => {
    const authority = createTestAuthority();
    const routes = [healthRoutes({ check: async () => {} })];
    const plain = await openApp({ routes });
    const tls = await openApp({ routes, tls: authority.issue(['push.example']) });
    const [plainPort, tlsPort] = [await listen(plain.app), await listen(tls.app)];
    const secure = { port: tlsPort, path: '/healthz', ca: authority.certificate, servername: 'push.example' };
    expect(await get(http, { port: plainPort, path: '/healthz' })).toBe('200 ok\n');
    expect(await get(https, { ...secure, agent: new https.Agent() })).toBe('200 ok\n');
  });

  test.each([null, createTestAuthority().issue(['push.example'])])(
    'closing waits for nobody who has opened a connection and asked nothing',
    async (tls) => {
      const { app } = await openApp({ tls });
      const port = await listen(app);
      const isOpen = once(app.server, tls ? 'secureConnection' : 'connection');
      const socket = tls ? connectTls({ port, rejectUnauthorized: false }) : connect(port, '127.0.0.1');
      const isClosed = once(socket.on('error', () => {}).resume(), 'close');
      await isOpen;
      await expect(Promise.all([app.close(), isClosed])).resolves.toHaveLength(2);
    },
  );

  test.each([null, createTestAuthority().issue(['push.example'])])('slow clients are bounded in time', async (tls) => {
    const { server } = (await openApp({ tls })).app;
    expect(server.headersTimeout).toBe(10_000);
    expect(server.requestTimeout).toBe(30_000);
    expect(server.timeout).toBe(70_000);
  });

  test('whose path is unknown, with any body', async () => {
    const { app } = await openApp({ routes: [failing(new Error())] });
    const payload = { text: 'x'.repeat(100_000) };
    const answer = await app.inject({ method: 'POST', url: '/nothing', payload });
    expect([answer.statusCode, answer.body]).toEqual([404, expect.stringContaining('nothing at this path')]);
    const port = await listen(app);
    const body = JSON.stringify(payload);
    const head = `POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const next = 'GET /address HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await exchange(port, head + body + next)).toMatch(/^HTTP\/1\.1 404 [^]*HTTP\/1\.1 200 [^]*"ip"/);
  });

  test.each([
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400, 'must have a Host header'],
    ['an expectation that is unknown', 'POST /x HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n', 417, 'Expect header'],
    ['a method with a body, without one', 'QUERY /x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'content type'],
  ])('%s', async (_, bytes, status, description) => {
    const { app, logged } = await openApp();
    const answer = await exchange(await listen(app), bytes.replace('Host: a', 'Host: a\r\nConnection: close'));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\{"error":"[^"]+","description":".*${description}`));
    expect(logged).toEqual([]);
  });

  test('headers that are too large', async () => {
    const port = await listen((await openApp()).app);
    const answer = await exchange(port, `GET /${'x'.repeat(17 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 .*\r\n/);
    expect(answer).toMatch(/\{"error":"Bad Request","description":"Headers and path may have 16384 bytes"\}\n$/);
  });

  test('what is not HTTP', async () => {
    const port = await listen((await openApp()).app);
    const answer = await exchange(port, 'hello\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/\{"error":"Bad Request","description":".*"\}\n$/);
  });

  test.each([
    { trustedProxies: ['127.0.0.0/8'], forwarded: '203.0.113.9', ip: '203.0.113.9' },
    // What stands before the address that a trusted proxy has added, anybody may have written.
    { trustedProxies: ['127.0.0.0/8'], forwarded: '127.0.0.9, nobody, 203.0.113.9', ip: '203.0.113.9' },
    { trustedProxies: ['127.0.0.1', '10.0.0.0/8'], forwarded: '192.0.2.1, 203.0.113.9, 10.1.1.1', ip: '203.0.113.9' },
    { trustedProxies: ['10.0.0.0/8'], forwarded: '203.0.113.9', ip: '127.0.0.1' },
    { trustedProxies: [], forwarded: '203.0.113.9', ip: '127.0.0.1' },
  ])('$forwarded is believed from $trustedProxies: $ip', async ({ trustedProxies, forwarded, ip }) => {
    const { app } = await openApp({ trustedProxies, routes: [failing(new Error())] });
    const answer = await app.inject({ url: '/address', headers: { 'x-forwarded-for': forwarded } });
    expect(answer.json()).toEqual({ ip });
  });
});

describe('failures', () => {
  test.each([
    [{}, 'The server cannot take requests at the moment, please try again'],
    [{ mayBeDone: true }, 'The database was lost while this was being stored: it may have been stored, or not'],
  ])('a store that cannot take work is 503 with Retry-After: %j', async (options, description) => {
    const error = new StoreUnavailable('disk full at /secret/path', options);
    const { app, logged } = await openApp({ routes: [failing(error)] });
    const answer = await app.inject('/fails');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body).toBe(`{"error":"Service Unavailable","description":"${description}"}\n`);
    expect(logged).toMatchObject([{ level: 'warn', event: 'http.unavailable', fields: { route: '/fails' } }]);
  });

  test('a bug is 500 without internals, and logged', async () => {
    const bug = Object.assign(new Error('SELECT secret'), { statusCode: 418 });
    const { app, logged } = await openApp({ routes: [failing(bug)] });
    const answer = await app.inject('/fails');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).toBe(
      '{"error":"Something went wrong","description":"The server could not answer this request"}\n',
    );
    expect(logged).toEqual([
      { level: 'error', event: 'http.failed', fields: { method: 'GET', route: '/fails', error: bug } },
    ]);
  });

  test('readiness follows the store, liveness does not', async () => {
    const check = () => Promise.reject(new StoreUnavailable('gone'));
    const { app } = await openApp({ routes: [healthRoutes({ check })] });
    expect((await app.inject('/readyz')).statusCode).toBe(503);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });
});

describe('bodies', () => {
  const routes = [failing(new Error())];

  test.each([undefined, 'application/json', 'text/plain', 'nonsense', ''])('none, content type %s', async (type) => {
    const { app } = await openApp({ routes });
    const headers = type === undefined ? {} : { 'content-type': type };
    expect((await app.inject({ method: 'POST', url: '/echo', headers })).json()).toEqual({ body: 'none' });
  });

  test('of a client that goes away in the middle', async () => {
    const { app, logged } = await openApp({ routes });
    const port = await listen(app);
    const answered = new Promise((resolve) => app.server.on('connection', (socket) => socket.on('close', resolve)));
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{');
      socket.destroySoon();
    });
    await answered;
    expect(logged.filter(({ event }) => event === 'http.failed')).toEqual([]);
  });

  test('streamed ones are measured too', async () => {
    const port = await listen((await openApp({ routes })).app);
    const chunk = `${(200).toString(16)}\r\n${'x'.repeat(200)}\r\n0\r\n\r\n`;
    const head =
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await exchange(port, head + chunk)).toMatch(/^HTTP\/1\.1 400 [^]*The request body is too large"\}\n/);
  });

  test('in chunks of a byte hold no more than their bytes, and arrive as they were sent', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const text = JSON.stringify('é'.repeat(50_000));
    const big: FastifyPluginAsync = async (instance) => {
      instance.post('/big', { bodyLimit: 200_000 }, (request, reply) => reply.send({ same: request.body }));
    };
    const { app } = await openApp({ routes: [big] });
    const port = await listen(app);
    const accepted = once(app.server, 'connection') as Promise<[Socket]>;
    const head =
      'POST /big HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n' +
      'Connection: close\r\n\r\n';
    const chunks = Buffer.concat([...Buffer.from(text)].map((byte) => Buffer.from([49, 13, 10, byte, 13, 10])));
    const socket = connect(port, '127.0.0.1');
    const answer = new Promise<string>((resolve) => {
      let received = '';
      socket.setEncoding('utf8').on('data', (data: string) => (received += data));
      socket.on('close', () => resolve(received));
    });
    await once(socket, 'connect');
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const sent = Buffer.concat([Buffer.from(head), chunks]);
    socket.write(sent);
    const [reader] = await accepted;
    await waitFor('everything to be read', () => reader.bytesRead >= sent.length);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
    socket.write('0\r\n\r\n');
    expect((await answer).endsWith(`{"same":${text}}`)).toBe(true);
  });
});

test('no cache keeps what a route does not give to it', async () => {
  const routes: FastifyPluginAsync = async (app) => void app.get('/private', async () => ({ user: 'anna' }));
  const { app } = await openApp({ routes: [routes, healthRoutes({ check: async () => {} })] });
  for (const url of ['/private', '/nowhere', '/healthz', '/readyz']) {
    expect((await app.inject(url)).headers['cache-control']).toBe('no-store');
  }
});

test('however many ask whether it is ready, one write at a time is tried', async () => {
  const written = Promise.withResolvers<void>();
  const check = vi.fn(() => written.promise);
  const { app } = await openApp({ routes: [healthRoutes({ check })] });
  const answers = Array.from({ length: 50 }, () => app.inject('/readyz'));
  // Asked last, answered first: by then all the others have asked.
  await app.inject('/healthz');
  written.resolve();
  expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual(Array<number>(50).fill(200));
  expect(check).toHaveBeenCalledTimes(1);
  check.mockReset().mockRejectedValueOnce(new StoreUnavailable('full'));
  expect((await app.inject('/readyz')).statusCode).toBe(503);
  check.mockResolvedValueOnce();
  expect((await app.inject('/readyz')).statusCode).toBe(200);
});

test('scripts for pages of other origins', async () => {
  const script = { body: 'self.x = 1', contentType: 'text/javascript; charset=utf-8', cacheControl: 'max-age=300' };
  const { app } = await openApp({ routes: [scriptRoutes(new Map([['/sdk/worker.js', script]]))] });
  const answer = await app.inject('/sdk/worker.js');
  expect(answer.statusCode).toBe(200);
  expect(answer.body).toBe('self.x = 1');
  expect(answer.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'max-age=300',
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
  const etag = String(answer.headers.etag);
  for (const known of [etag, `"other", W/${etag}`, '*']) {
    const again = await app.inject({ url: '/sdk/worker.js', headers: { 'if-none-match': known } });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
  }
  const other = await app.inject({ url: '/sdk/worker.js', headers: { 'if-none-match': '"other"' } });
  expect([other.statusCode, other.body]).toEqual([200, 'self.x = 1']);
});

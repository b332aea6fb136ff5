import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import type { FastifyPluginAsync } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { LogFields } from '../../core/ports/log.ts';
import type { AnsweredRequest } from '../../core/ports/metrics.ts';
import { createHttpApp } from './create-http-app.ts';
import type { DirectRoute } from './direct-route.ts';
import { InFlight } from './in-flight.ts';

const id = '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11';

interface Changes {
  readonly admit?: DirectRoute['admit'];
  readonly answer?: DirectRoute['answer'];
  readonly inFlight?: InFlight;
  readonly trustedProxies?: readonly string[];
}

/** A route whose answer tells who has given it. */
async function open({ admit, answer, inFlight, trustedProxies = [] }: Changes = {}) {
  const logged: { readonly event: string; readonly fields: LogFields }[] = [];
  const write = (event: string, fields: LogFields = {}) => void logged.push({ event, fields });
  const counted: AnsweredRequest[] = [];
  const direct: DirectRoute = {
    admit: admit ?? (({ headers, ip }) => (headers['x-refused'] || ip === null ? null : { 'x-admitted': 'yes' })),
    answer: answer ?? (async ({ instanceId }, body) => ({ status: 200, body: JSON.stringify({ instanceId, body }) })),
  };
  const routes: FastifyPluginAsync = async (app) => {
    app.post('/of/:instance/things', { bodyLimit: 100, config: { direct } }, async (_, reply) => reply.send('fastify'));
  };
  const app = await createHttpApp({
    log: { info: write, warn: write, error: write },
    tls: null,
    trustedProxies,
    routes: [routes],
    metrics: { requestAnswered: (request) => void counted.push(request) },
    ...(inFlight && { inFlight }),
  });
  onTestFinished(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  /** Writes raw bytes and reads until the server closes. */
  const exchange = (bytes: string | Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text)).on('error', reject);
    });
  return { app, port, exchange, logged, counted };
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const bytesOf = ({ path = `/of/${id}/things`, method = 'POST', body = '{"a":1}', headers = {} }: Sent): string => {
  const fields = { host: 'a', 'content-type': 'application/json', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
};
const last = { connection: 'close' };

test('a plain request is answered without Fastify, and counted', async () => {
  const { exchange, counted } = await open();
  const answer = await exchange(bytesOf({ headers: last }));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nx-admitted: yes\r\ncontent-type: application\/json\r\n/);
  expect(answer).toContain(`\r\n\r\n{"instanceId":"${id}","body":{"a":1}}`);
  const durationMs = expect.any(Number) as number;
  expect(counted).toEqual([{ method: 'POST', route: '/of/:instance/things', status: 200, durationMs }]);
});

test('what throws at once is answered, too', async () => {
  const fail = () => {
    throw new Error('a bug');
  };
  const answering = await open({ answer: fail });
  expect(await answering.exchange(bytesOf({ headers: last }))).toMatch(/500 Internal Server Error/);
  expect(answering.logged).toMatchObject([{ event: 'http.failed', fields: { error: { message: 'a bug' } } }]);
  const admitting = await open({ admit: fail });
  expect(await admitting.exchange(bytesOf({ headers: last }))).toMatch(/fastify$/);
  expect(admitting.logged).toMatchObject([{ event: 'http.failed', fields: { error: { message: 'a bug' } } }]);
});

const chunked = { ...last, 'transfer-encoding': 'chunked' };
test.each<[string, Sent, RegExp]>([
  ['a refusal', { headers: { 'x-refused': '1' } }, /200 OK[^]*fastify$/],
  ['an id in another form', { path: `/of/${id.toUpperCase()}/things` }, /200 OK[^]*fastify$/],
  ['a query', { path: `/of/${id}/things?a` }, /200 OK[^]*fastify$/],
  ['another content type', { headers: { 'content-type': 'application/json; a=b' } }, /200 OK[^]*fastify$/],
  ['one that is wrong', { headers: { 'content-type': 'text/plain' } }, /400 Bad Request[^]*must be application\/json/],
  ['no body', { body: '' }, /200 OK[^]*fastify$/],
  ['a body that is too large', { body: `"${'x'.repeat(100)}"` }, /400 Bad Request[^]*too large/],
  ['another method', { method: 'PUT' }, /404 Not Found/],
  [
    'too many headers',
    { headers: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`h${at}`, '1'])) },
    /431 /,
  ],
])('is left to Fastify: %s', async (_, sent, expected) => {
  const { exchange } = await open();
  expect(await exchange(bytesOf({ ...sent, headers: { ...sent.headers, ...last } }))).toMatch(expected);
});

test('a body without a length is left to Fastify', async () => {
  const { exchange } = await open();
  const bytes = bytesOf({ headers: chunked, body: '2\r\n{}\r\n0\r\n\r\n' }).replace(/content-length: \d+\r\n/, '');
  expect(await exchange(bytes)).toMatch(/200 OK[^]*fastify$/);
});

test('who a client is behind a proxy is left to Fastify', async () => {
  const { exchange } = await open({ trustedProxies: ['127.0.0.1'] });
  expect(await exchange(bytesOf({ headers: last }))).toContain(id);
  expect(await exchange(bytesOf({ headers: { ...last, 'x-forwarded-for': '192.0.2.1' } }))).toMatch(/fastify$/);
});

test('pipelined requests are answered in their order', async () => {
  const slow = Promise.withResolvers<void>();
  const { exchange } = await open({
    async answer(_, body) {
      if (body === 1) await slow.promise;
      else slow.resolve();
      return { status: 200, body: JSON.stringify({ body }) };
    },
  });
  const answers = await exchange(bytesOf({ body: '1' }) + bytesOf({ body: '2', headers: last }));
  expect(answers).toMatch(/200 OK[^]*\{"body":1\}HTTP[^]*200 OK[^]*\{"body":2\}$/);
});

test.each<[string, Sent]>([
  ['no JSON', { body: '{' }],
  ['too deep', { body: '['.repeat(65) + '1' + ']'.repeat(20) }],
])('a body that is %s', async (_, sent) => {
  const { exchange } = await open();
  // The server ends the connection, as Fastify does.
  expect(await exchange(bytesOf(sent))).toMatch(/^HTTP\/1\.1 400 [^]*\r\nconnection: close\r\n[^]*a JSON object"\}\n$/);
});

test.each([{}, { 'x-refused': '1' }])('a body that is no UTF-8, with headers %j', async (headers) => {
  const { exchange } = await open();
  const bytes = Buffer.from(bytesOf({ body: '{"user":"\xff"}', headers }), 'latin1');
  expect(await exchange(bytes)).toMatch(/^HTTP\/1\.1 400 [^]*a JSON object"\}\n$/);
});

test.each([
  [
    new StoreUnavailable('disk full at /secret/path'),
    /503 [^]*\r\nretry-after: 2\r\n[^]*try again"\}\n$/,
    'http.unavailable',
  ],
  [new Error('SELECT secret'), /500 [^]*could not answer this request"\}\n$/, 'http.failed'],
])('a handler that fails: %s', async (error, expected, event) => {
  const answer = async (): Promise<never> => {
    throw error;
  };
  const { exchange, logged } = await open({ answer });
  expect(await exchange(bytesOf({ headers: last }))).toMatch(expected);
  expect(logged).toEqual([{ event, fields: { method: 'POST', route: '/of/:instance/things', error } }]);
});

test.each([
  ['requests', { maxRequests: 0, maxBodyBytes: 1000 }],
  ['bytes', { maxRequests: 10, maxBodyBytes: 3 }],
])('too many %s in flight are 503', async (_, limits) => {
  const { exchange } = await open({ inFlight: new InFlight(limits) });
  expect(await exchange(bytesOf({ headers: last }))).toMatch(/503 [^]*\r\nretry-after: 2\r\n/);
});

test('behind a proxy, those who have shown a key do not share what one client may hold', async () => {
  const inFlight = new InFlight({ maxRequests: 10, maxBodyBytes: 100 });
  const { exchange } = await open({ inFlight, trustedProxies: ['127.0.0.1'], admit: () => ({}) });
  const request = bytesOf({
    body: JSON.stringify('x'.repeat(70)),
    headers: { ...last, 'x-forwarded-for': '192.0.2.1' },
  });
  expect(await exchange(request)).toMatch(/200 OK/);
});

test('a client that goes away in the middle of a body, or before the answer, is no failure and holds nothing', async () => {
  const answered = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { app, port, exchange, logged, counted } = await open({
    inFlight: new InFlight({ maxRequests: 1, maxBodyBytes: 50 }),
    async answer(_, body) {
      arrived.resolve();
      if (body === 'slow') await answered.promise;
      return { status: 200, body: '' };
    },
  });
  const gone = (bytes: string, until: Promise<void>) =>
    new Promise<void>((resolve) => {
      app.server.once('connection', (socket) => socket.once('close', () => resolve()));
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(bytes, () => void until.then(() => socket.destroy())),
      );
    });
  await gone(bytesOf({}).slice(0, -2), Promise.resolve());
  await gone(bytesOf({ body: '"slow"' }), arrived.promise);
  answered.resolve();
  expect(await exchange(bytesOf({ headers: last, body: '"quick"' }))).toMatch(/200 OK[^]*content-length: 0\r\n/);
  expect(logged).toEqual([]);
  expect(counted).toMatchObject([{ status: 200 }]);
});

test('while the server closes, Fastify ends the connections', async () => {
  const finish = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { app, port } = await open({
    async answer() {
      arrived.resolve();
      await finish.promise;
      return { status: 200, body: '"direct"' };
    },
  });
  let text = '';
  const socket = connect(port, '127.0.0.1', () => socket.write(bytesOf({})));
  socket.on('data', (chunk) => (text += chunk.toString()));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await arrived.promise;
  const closed = app.close();
  // The second one finds no direct route any more.
  socket.write(bytesOf({}), () => finish.resolve());
  await Promise.all([ended, closed]);
  expect(text).toMatch(/200 OK[^]*"direct"HTTP\/1\.1 200 OK[^]*connection: close\r\n[^]*fastify$/i);
});

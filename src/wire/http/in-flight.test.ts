import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Socket } from 'node:net';
import type { FastifyPluginAsync } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import { createHttpApp } from './create-http-app.ts';
import { healthRoutes } from './health-routes.ts';
import type { InFlightLimits } from './in-flight.ts';
import { InFlight } from './in-flight.ts';

const quiet = { info() {}, warn() {}, error() {} };

async function open(limits: InFlightLimits) {
  let answerAll = (): void => {};
  const held = new Promise<void>((resolve) => (answerAll = resolve));
  let waiting = 0;
  const routes: FastifyPluginAsync = async (app) => {
    app.post('/held', async (_request, reply) => {
      waiting += 1;
      await held;
      return reply.send('ok');
    });
    app.post('/quick', { bodyLimit: 48_500 }, async (_request, reply) => reply.send('ok'));
  };
  const app = await createHttpApp({
    log: quiet,
    tls: null,
    trustedProxies: [],
    routes: [routes, healthRoutes({ check: async () => {} })],
    inFlight: new InFlight(limits),
  });
  onTestFinished(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const start = (path: string, method = 'POST', localAddress = '127.0.0.1') => {
    const headers = { 'content-type': 'application/json' };
    const request = http.request({ host: '127.0.0.1', port, path, method, headers, localAddress });
    const answer = new Promise<{ status: number | undefined; retryAfter: string | undefined }>((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        response.resume();
        resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] });
      });
    });
    return { request, answer };
  };
  const send = (path: string, body = '', method = 'POST', localAddress = '127.0.0.1') => {
    const { request, answer } = start(path, method, localAddress);
    request.end(body);
    return answer;
  };
  return { start, send, answerAll: () => answerAll(), waiting: () => waiting };
}

const busy = { status: 503, retryAfter: '2' };
const ok = { status: 200, retryAfter: undefined };

test('requests beyond the limit are 503 until others are answered; health checks always pass', async () => {
  const { send, answerAll, waiting } = await open({ maxRequests: 2, maxBodyBytes: 10_000 });
  const held = [send('/held'), send('/held')];
  await waitFor('both to be in flight', () => waiting() === 2);
  expect(await send('/quick')).toEqual(busy);
  expect(await send('/healthz', '', 'GET')).toEqual(ok);
  answerAll();
  expect(await Promise.all(held)).toEqual([ok, ok]);
  await waitFor('their places to be free', async () => (await send('/quick')).status === 200);
});

test('bytes of bodies are bounded: half of them are for who comes first, the rest for all in small parts', async () => {
  const { start, send } = await open({ maxRequests: 100, maxBodyBytes: 100_000 });
  const body = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));
  const slow = start('/quick');
  slow.answer.catch(() => {});
  slow.request.write('"'.padEnd(48_000, 'x'));
  await waitFor('the slow body to be held', async () => (await send('/quick', body(6_000))).status === 503);
  const others = (bytes: number) => send('/quick', body(bytes), 'POST', '127.0.0.2');
  expect(await send('/quick', body(4_500))).toEqual(busy);
  expect(await send('/quick', body(1_000))).toEqual(ok);
  expect(await others(6_000)).toEqual(busy);
  expect(await others(4_500)).toEqual(ok);
  slow.request.destroy();
  await waitFor('its bytes to be free', async () => (await send('/quick', body(6_000))).status === 200);
});

/** A request that is being answered; its client has such an address, or has shown a key. */
function requestOf(inFlight: InFlight, address: string | null) {
  const request = new http.IncomingMessage(new Socket());
  const response = new http.ServerResponse(request);
  inFlight.track(request, response, address === null ? null : { ip: address, socket: new Socket() });
  return { take: (bytes: number) => inFlight.addBytes(request, bytes), end: () => void response.emit('close') };
}

test('bytes of bodies are bounded all together, also of clients with a key', () => {
  const inFlight = new InFlight({ maxRequests: 1, maxBodyBytes: 100_000 });
  const first = requestOf(inFlight, null);
  expect(first.take(95_000)).toBe(true);
  const second = requestOf(inFlight, null);
  expect(second.take(6_000)).toBe(false);
  expect(second.take(5_000)).toBe(true);
  first.end();
  expect(second.take(95_000)).toBe(true);
});

test('where bytes are scarce, small bodies of one client count together', () => {
  const inFlight = new InFlight({ maxRequests: 1, maxBodyBytes: 100_000 });
  const first = requestOf(inFlight, '192.0.2.1');
  expect(first.take(49_500)).toBe(true);
  const small = Array.from({ length: 10 }, () => requestOf(inFlight, '192.0.2.2'));
  const taken = small.filter(({ take }) => take(900));
  expect(taken).toHaveLength(5);
  for (const { end } of taken) end();
  expect(requestOf(inFlight, '192.0.2.2').take(900)).toBe(true);
  expect(requestOf(inFlight, '192.0.2.1').take(900)).toBe(false);
});

test('what a client announces and does not send takes nobody a place', async () => {
  const { start, send } = await open({ maxRequests: 1, maxBodyBytes: 100_000 });
  const slow = start('/quick');
  slow.answer.catch(() => {});
  slow.request.setHeader('content-length', '4500');
  slow.request.flushHeaders();
  expect(await send('/quick', JSON.stringify('x'.repeat(4000)))).toEqual(ok);
  slow.request.destroy();
});

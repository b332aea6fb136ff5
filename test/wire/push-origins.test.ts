import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GoneBrake } from '../../src/core/delivery/gone-brake.ts';
import { openGoneBrake } from '../../src/core/delivery/gone-brake.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import type { AdminFailure } from '../../src/wire/admin/admin-failure.ts';
import { pushOriginRoutes } from '../../src/wire/admin/push-origin-routes.ts';

let store: Store;
let brake: GoneBrake;
let app: FastifyInstance;
beforeEach(async () => {
  store = await openTestStore();
  const log = { info() {}, warn() {}, error() {} };
  brake = await openGoneBrake({ store, clock: () => 0, log, goneShare: 0.25 });
  app = Fastify();
  app.setErrorHandler((error, _request, reply) => {
    const failure = error as AdminFailure;
    return reply.code(failure.status).send(failure.body);
  });
  pushOriginRoutes(app, { brake });
});
afterEach(async () => {
  await app.close();
  await store.close();
});

const origin = 'https://push.test';
const list = async (): Promise<unknown> => (await app.inject('/push-origins')).json();
const resume = (payload: object) => app.inject({ method: 'POST', url: '/push-origins/resume', payload });

test('a braked origin is shown, and resumed by its name', async () => {
  expect(await list()).toEqual({ pushOrigins: [] });
  for (let index = 0; index < 150; index++) brake.judge({ platform: 'web', address: `${origin}/${index}` }, 'gone');
  const since = '1970-01-01T00:00:00.000Z';
  const shown = { origin, state: 'braked', since, answered: 150, gone: 150, kept: 51 };
  expect(await list()).toEqual({ pushOrigins: [shown] });
  const answer = await resume({ origin });
  expect([answer.statusCode, answer.json()]).toEqual([200, { ...shown, state: 'released' }]);
  expect(await store.listPushOrigins()).toEqual([{ origin, state: 'released', since: 0 }]);
});

test('there is nothing to resume where nothing is paused', async () => {
  expect((await resume({ origin })).json()).toMatchObject({ error: { code: 'push-origin-not-braked' } });
  expect((await resume({ origin })).statusCode).toBe(409);
  expect((await resume({ host: origin })).statusCode).toBe(400);
});

import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { createCachedDirectory } from '../../src/core/instances/cached-directory.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { noting } from './note-routes.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';
import { openTestStore } from '../support/test-store.ts';
import { adminRoutes } from '../../src/wire/admin/admin-routes.ts';
import { metricsRoute } from '../../src/wire/admin/metrics-route.ts';
import { createHttpApp, type HttpAppOptions } from '../../src/wire/http/create-http-app.ts';

export const adminToken = 'admin-token-of-this-test-0123456789';
export const unknownId = '00000000-0000-4000-8000-000000000000';
export const events = ['v1.UserNotificationOpen'];
const quiet = { info() {}, warn() {}, error() {} };

export type AdminWorld = Awaited<ReturnType<typeof openAdminWorld>>;

/** The admin API on a store of its own. */
export async function openAdminWorld() {
  const store = await openTestStore();
  /** As in `World`. */
  const routes: string[] = [];
  const directory = createCachedDirectory({ store, sealer: testSealer, maxEntries: 100 });

  /** The API on another store, with the same directory. */
  const openApp = (usedStore: Store, http: Pick<HttpAppOptions, 'inFlight'> = {}): Promise<FastifyInstance> => {
    const deps = {
      store: usedStore,
      sealer: testSealer,
      instances: directory,
      log: quiet,
      clock: Date.now,
      allowHttpWebhooks: false,
      adminToken,
    };
    const ids = { random: () => randomUUID(), timeOrdered: () => randomUUID(), unguessable: () => randomUUID() };
    const brake = { list: () => [], resume: async () => null };
    const { forgetInstance, forgetWebhook, forgetCredentials } = directory;
    const gateway = { check: async () => ({ kind: 'accepted' as const }) };
    const gateways = { fcm: gateway, apns: gateway };
    const masterKeys = {
      rotate: () => 'rotating' as const,
      status: () => ({ keys: ['0'], missing: [], resealing: null }),
    };
    const backUp = () => Promise.reject(new Error('not in this test'));
    const live = { targetStatus: () => null, maxAttempts: () => 5, onMessages() {}, onReplays() {} };
    const forget = { forgetInstance, forgetWebhook, forgetCredentials };
    const wires = [
      adminRoutes({ ...deps, ...live, ...forget, brake, gateways, masterKeys, backUp, ids }),
      metricsRoute({ adminToken, renderMetrics: async () => '' }),
    ];
    return createHttpApp({ log: quiet, tls: null, trustedProxies: [], routes: wires.map(noting(routes)), ...http });
  };
  const app = await openApp(store);

  /** Status and body of an answer, as the admin gets it. */
  const call = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object) => {
    const headers = { authorization: `Bearer ${adminToken}` };
    const answer = await app.inject({ method, url: `/admin/v1${path}`, headers, ...(body && { payload: body }) });
    expect(answer.headers['cache-control']).toBe('no-store');
    return { status: answer.statusCode, body: (answer.body && JSON.parse(answer.body)) as Record<string, unknown> };
  };

  return {
    store,
    directory,
    app,
    routes: routes as readonly string[],
    openApp,
    call,
    async created(path: string, body: object): Promise<Record<string, unknown> & { readonly id: string }> {
      const answer = await call('POST', path, body);
      expect(answer.status).toBe(201);
      return answer.body as { id: string };
    },
    async close() {
      await app.close();
      await store.close();
    },
  };
}

export const without = (answer: object, field: string) =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => name !== field));

export const refusal = (code: string, message: RegExp | string) => ({
  error: { code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
});

import type { FastifyPluginAsync } from 'fastify';
import type { Store } from '../../core/ports/store.ts';

/**
 * `/healthz`: the process is up. `/readyz`: it can take work, so a load balancer should send some (503 with
 * `Retry-After` otherwise). Both answer 200 `ok`.
 */
export const healthRoutes =
  (store: Pick<Store, 'check'>): FastifyPluginAsync =>
  async (app) => {
    const noStore = { 'cache-control': 'no-store' };
    const config = { admission: 'always' } as const;
    app.get('/healthz', { config }, (_request, reply) => reply.headers(noStore).send('ok\n'));
    app.get('/readyz', { config }, async (_request, reply) => {
      await store.check();
      return reply.headers(noStore).send('ok\n');
    });
  };

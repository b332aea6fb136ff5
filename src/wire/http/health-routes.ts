import type { FastifyPluginAsync } from 'fastify';
import type { Store } from '../../core/ports/store.ts';

/**
 * `/healthz`: the process is up. `/readyz`: it can take work, so a load balancer should send some (503 with
 * `Retry-After` otherwise). Both answer 200 `ok`.
 */
export const healthRoutes =
  (store: Pick<Store, 'check'>): FastifyPluginAsync =>
  async (app) => {
    const config = { admission: 'always' } as const;
    /** One write for all who ask meanwhile: anybody may ask. */
    let checking: Promise<void> | null = null;
    const check = (): Promise<void> => (checking ??= store.check().finally(() => (checking = null)));
    app.get('/healthz', { config }, (_request, reply) => reply.send('ok\n'));
    app.get('/readyz', { config }, async (_request, reply) => {
      await check();
      return reply.send('ok\n');
    });
  };

import type { FastifyPluginAsync } from 'fastify';
import { tokenCheck } from './check-token.ts';

export interface MetricsRouteDeps {
  readonly adminToken: string;
  /** Everything that is measured, in Prometheus' text format. */
  readonly renderMetrics: () => Promise<string>;
}

/** `GET /metrics`, for who has the admin token: how much goes on here is nobody else's business. */
export const metricsRoute =
  ({ adminToken, renderMetrics }: MetricsRouteDeps): FastifyPluginAsync =>
  async (app) => {
    const isAdmin = tokenCheck(adminToken);
    // Also of a server that is too busy for anything else.
    app.get('/metrics', { config: { admission: 'always' } }, async (request, reply) => {
      if (!isAdmin(request.headers.authorization)) {
        return reply
          .code(401)
          .header('www-authenticate', 'Bearer')
          .type('text/plain')
          .send('The admin token, please.\n');
      }
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await renderMetrics());
    });
  };

import type { FastifyPluginAsync } from 'fastify';

export interface Script {
  readonly body: string | Buffer;
  /** Like `text/javascript; charset=utf-8`: `importScripts` accepts JavaScript types only. */
  readonly contentType: string;
  readonly cacheControl: string;
}

/** Scripts that customers' pages and service workers load from this origin, by their paths. */
export const scriptRoutes =
  (scripts: ReadonlyMap<string, Script>): FastifyPluginAsync =>
  async (app) => {
    for (const [path, { body, contentType, cacheControl }] of scripts) {
      const headers = {
        'content-type': contentType,
        'cache-control': cacheControl,
        // Pages of other origins use them, with `crossorigin` attributes and under COEP too (Fetch, section 3.7).
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      };
      const bytes = Buffer.from(body);
      app.get(path, (_request, reply) => reply.headers(headers).send(bytes));
    }
  };

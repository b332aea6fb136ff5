import { createHash } from 'node:crypto';
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
      const bytes = Buffer.from(body);
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
      const headers = {
        etag,
        'cache-control': cacheControl,
        // Pages of other origins use them, with `crossorigin` attributes and under COEP too (Fetch, section 3.7).
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      };
      app.get(path, (request, reply) => {
        reply.headers(headers);
        return isKnown(request.headers['if-none-match'], etag)
          ? reply.code(304).send()
          : reply.header('content-type', contentType).send(bytes);
      });
    }
  };

/** RFC 9110, section 13.1.2: `*`, or a list compared weakly. */
const isKnown = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch === '*' || (ifNoneMatch ?? '').split(',').some((known) => known.trim().replace(/^W\//, '') === etag);

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JsonObject } from '../../protocol/json.ts';
import { RefusedBody } from './http-failure.ts';
import type { InFlight } from './in-flight.ts';
import { readBody } from './read-body.ts';

/** Far more than any request needs, far less than what exhausts the stack of `JSON.stringify`. */
const maxNesting = 64;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether arrays and objects stand inside each other more than `levels` deep. */
export const isNestedDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1)));

/**
 * Bodies are JSON or absent: `request.body` is the parsed value, or undefined when nothing was sent, whatever content
 * type an empty request names.
 */
export function parseJsonBodies(app: FastifyInstance, inFlight: InFlight): void {
  // Fastify refuses a content type that it cannot read even where there is no content.
  app.addHook('onRequest', async ({ headers }) => {
    const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    if (isEmpty) delete headers['content-type'];
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    const body = await readBody(request.raw, request.routeOptions.bodyLimit, inFlight);
    if (body.length === 0) return undefined;
    if (request.mediaType !== 'application/json') throw new RefusedBody('unsupported-content-type');
    const parsed = parseJson(body.toString());
    if (parsed === undefined || isNestedDeeper(parsed, maxNesting)) throw new RefusedBody('malformed-body');
    return parsed;
  });
}

/** The value of JSON text, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

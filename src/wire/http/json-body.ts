import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JsonObject } from '../../protocol/json.ts';
import { RefusedBody } from './http-failure.ts';
import type { InFlight } from './in-flight.ts';
import type { BodyLimits } from './read-body.ts';
import { readBody } from './read-body.ts';

/** Far more than any request needs, far less than what exhausts the stack of `JSON.stringify`. */
const maxNesting = 64;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether arrays and objects stand inside each other more than `levels` deep. */
function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  // Of parsed JSON all enumerable properties are its own.
  for (const name in value) if (isNestedDeeper((value as JsonObject)[name], levels - 1)) return true;
  return false;
}

/** Whether there are brackets enough for it: to count them costs less than to walk through the value. */
function mayNest(text: string, levels: number): boolean {
  let brackets = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      brackets += 1;
      if (brackets > levels) return true;
    }
  }
  return false;
}

/**
 * Bodies are JSON or absent: `request.body` is the parsed value, or undefined when nothing was sent, whatever content
 * type an empty request names.
 */
export function parseJsonBodies(app: FastifyInstance, inFlight: InFlight): void {
  // Fastify refuses a content type that it cannot read even where there is no content.
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    if (isEmpty) delete headers['content-type'];
    done();
  });
  app.removeAllContentTypeParsers();
  // JSON by its name, too: Fastify looks for what only `*` takes anew with each request.
  app.addContentTypeParser(['application/json', '*'], (request: FastifyRequest, _payload, done) => {
    if (request.is404 || request.routeOptions.config.leavesBody) return done(null, undefined);
    readBody(request.raw, { maxBytes: request.routeOptions.bodyLimit, inFlight }, (error, body) => {
      if (error) return done(error);
      if (body === '') return done(null, undefined);
      if (request.mediaType !== 'application/json') return done(new RefusedBody('unsupported-content-type'));
      decodeJson(body, done);
    });
  });
}

/** Reads a body that is known to be JSON, or to claim so. `done` gets an error as with `readBody`. */
export function readJson(request: IncomingMessage, limits: BodyLimits, done: Decoded): void {
  readBody(request, limits, (error, body) => (error ? done(error) : decodeJson(body, done)));
}

type Decoded = (error: Error | null, body?: unknown) => void;

function decodeJson(text: string, done: Decoded): void {
  const parsed = parseJson(text);
  const isTooDeep = mayNest(text, maxNesting) && isNestedDeeper(parsed, maxNesting);
  if (parsed === undefined || isTooDeep) done(new RefusedBody('malformed-body'));
  else done(null, parsed);
}

/** The value of JSON text, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../core/ports/log.ts';
import { retryAfterSeconds } from '../http/default-answer.ts';
import type { HttpFailure } from '../http/http-failure.ts';
import { classifyFailure, logFailure } from '../http/http-failure.ts';

/** What a handler answers, as a value. */
export interface OneSignalAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

export const answerJson = (body: object, headers: Readonly<Record<string, string>> = {}): OneSignalAnswer => ({
  status: 200,
  headers,
  body,
});

/** "errors `{"errors": ["…"]}`" */
export const refuse = (status: number, error: string): OneSignalAnswer => ({ status, body: { errors: [error] } });

/** "Every answer carries `Content-Type: application/json`": the Node client throws without it. */
export function sendAnswer(reply: FastifyReply, { status, headers = {}, body }: OneSignalAnswer): FastifyReply {
  // A buffer, because Fastify adds a charset to the content type of JSON strings.
  const bytes = Buffer.from(JSON.stringify(body));
  return reply.code(status).headers(headers).header('content-type', 'application/json').send(bytes);
}

/** A route handler from a function that answers with a value. */
export const answering =
  (handler: (request: FastifyRequest) => Promise<OneSignalAnswer>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendAnswer(reply, await handler(request));

const failures: Readonly<Record<HttpFailure, OneSignalAnswer>> = {
  'malformed-path': refuse(400, 'The path is not valid'),
  'path-too-long': refuse(400, 'The path and its query are too long'),
  'too-many-headers': refuse(431, 'The request has too many header fields'),
  'unknown-route': refuse(404, 'There is nothing at this path'),
  'unsupported-content-type': refuse(400, 'The content type of the body must be application/json'),
  'body-too-large': refuse(400, 'The request body is too large'),
  'malformed-body': refuse(400, 'The request body must be a JSON object'),
  unavailable: {
    ...refuse(503, 'The server cannot take requests at the moment, please try again'),
    headers: { 'retry-after': String(retryAfterSeconds) },
  },
  'maybe-done': {
    ...refuse(503, 'The database was lost while this was being stored: it may have been stored, or not'),
    headers: { 'retry-after': String(retryAfterSeconds) },
  },
  unexpected: refuse(500, 'The server could not answer this request'),
};

/** Failures before or beside the handlers, in this API's words. */
export function answerFailures(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, request, reply) => {
    const failure = classifyFailure(error);
    logFailure(log, failure, { method: request.method, route: request.routeOptions.url, error });
    return sendAnswer(reply, failures[failure]);
  });
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BeamsErrorCode } from './beams-errors.ts';
import { beamsErrors } from './beams-errors.ts';

/** What a handler answers, as a value. */
export interface BeamsAnswer {
  readonly status: number;
  /** Exact text; empty for no body. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** "Success is exactly 200 (Ruby, Go and Java refuse other 2xx)". */
export const done: BeamsAnswer = { status: 200, body: '' };
export const answerJson = (value: object): BeamsAnswer => ({ status: 200, body: JSON.stringify(value) });

/** "Non-2xx bodies are JSON {error, description} with a trailing newline"; `description` replaces the table's. */
export function refuse(code: BeamsErrorCode, description?: string): BeamsAnswer {
  const error = beamsErrors[code];
  const body = { error: error.title, description: description ?? error.description };
  return { status: error.status, body: `${JSON.stringify(body)}\n` };
}

/** With `Retry-After`, in whole seconds (RFC 9110, section 10.2.3). */
export const sendLater = (reply: FastifyReply, answer: BeamsAnswer, waitMs: number): FastifyReply =>
  sendAnswer(reply.header('retry-after', String(Math.max(1, Math.ceil(waitMs / 1000)))), answer);

export function sendAnswer(reply: FastifyReply, { status, body, headers }: BeamsAnswer): FastifyReply {
  reply.code(status);
  if (headers) reply.headers(headers);
  if (body === '') return reply.send();
  // With a serializer, because Fastify otherwise adds a charset to the content type of JSON strings. A string, because Node
  // writes it together with the head.
  return reply.header('content-type', 'application/json').serializer(asItIs).send(body);
}

const asItIs = (body: unknown): string => body as string;

/** A route handler from a function that answers with a value. */
export const answering =
  (handler: (request: FastifyRequest) => Promise<BeamsAnswer>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendAnswer(reply, await handler(request));

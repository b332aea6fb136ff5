import type { HttpFailure } from './http-failure.ts';
import { isUnavailable } from './http-failure.ts';

/** Seconds after which a client that got a 503 may come back. */
export const retryAfterSeconds = 2;

/** Fits every name that an API takes in a path, percent-encoded. */
export const maxPathLength = 4096;
/** Browsers and a few proxies together send less than half of it. */
export const maxHeaders = 100;

const answers: Readonly<
  Record<HttpFailure, { readonly status: number; readonly error: string; readonly description: string }>
> = {
  'malformed-path': {
    status: 400,
    error: 'Bad Request',
    description: 'The path is not valid: percent signs must begin the encoding of UTF-8 bytes',
  },
  'path-too-long': {
    // Not 414: phones repeat for ever what they do not know.
    status: 400,
    error: 'Bad Request',
    description: `The path and its query may have ${maxPathLength} characters`,
  },
  'too-many-headers': {
    status: 431,
    error: 'Bad Request',
    description: `A request may have ${maxHeaders} header fields`,
  },
  'unknown-route': { status: 404, error: 'Not Found', description: 'There is nothing at this path' },
  'unsupported-content-type': {
    status: 400,
    error: 'Invalid content type',
    description: 'The content type of the body must be application/json',
  },
  'body-too-large': { status: 400, error: 'Bad request', description: 'The request body is too large' },
  'malformed-body': { status: 400, error: 'Bad request', description: 'The request body must be a JSON object' },
  unavailable: {
    status: 503,
    error: 'Service Unavailable',
    description: 'The server cannot take requests at the moment, please try again',
  },
  'maybe-done': {
    status: 503,
    error: 'Service Unavailable',
    description: 'The database was lost while this was being stored: it may have been stored, or not',
  },
  unexpected: { status: 500, error: 'Something went wrong', description: 'The server could not answer this request' },
};

/**
 * What is said about a failure: `{"error", "description"}` and a line end, the format of Beams' wire. Wires with another
 * format set an error handler of their own; this one also answers where no wire is known (malformed paths, unknown routes).
 */
export function defaultAnswer(failure: HttpFailure): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const { status, error, description } = answers[failure];
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(isUnavailable(failure) && { 'retry-after': String(retryAfterSeconds) }),
    },
    body: `${JSON.stringify({ error, description })}\n`,
  };
}

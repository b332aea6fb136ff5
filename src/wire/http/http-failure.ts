import type { FastifyError } from 'fastify';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Log } from '../../core/ports/log.ts';

/** What can go wrong before or beside a handler; every wire words it in its own format. */
export type HttpFailure =
  | 'malformed-path'
  | 'path-too-long'
  | 'too-many-headers'
  | 'unknown-route'
  | 'unsupported-content-type'
  | 'body-too-large'
  | 'malformed-body'
  | UnavailableFailure
  | 'unexpected';

/** The store or the server cannot take the work now; of some work nobody can tell whether it took it. */
export type UnavailableFailure = 'unavailable' | 'maybe-done';

export const isUnavailable = (failure: HttpFailure): failure is UnavailableFailure =>
  failure === 'unavailable' || failure === 'maybe-done';

/** Thrown by the body parser, where Fastify leaves no other way. */
export class RefusedBody extends Error {
  readonly failure: HttpFailure;

  constructor(failure: 'unsupported-content-type' | 'body-too-large' | 'malformed-body') {
    super(failure);
    this.failure = failure;
  }
}

/** Thrown where there is no room for a request or its body beside the others in flight. The store may be well. */
export class ServerBusy extends Error {
  override readonly name = 'ServerBusy';
}

const failuresByCode: Readonly<Record<string, HttpFailure>> = {
  FST_ERR_BAD_URL: 'malformed-path',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-content-type',
  // Of the method QUERY.
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported-content-type',
};

/** Which failure an error that reached Fastify is. */
export function classifyFailure(error: unknown): HttpFailure {
  if (error instanceof RefusedBody) return error.failure;
  if (error instanceof ServerBusy) return 'unavailable';
  if (error instanceof StoreUnavailable) return error.mayBeDone ? 'maybe-done' : 'unavailable';
  const { code = '', statusCode = 500 } = (error ?? {}) as Partial<FastifyError>;
  // What else Fastify refuses is the client's doing.
  const isRefused = code.startsWith('FST_ERR_') && statusCode >= 400 && statusCode < 500;
  return failuresByCode[code] ?? (isRefused ? 'malformed-body' : 'unexpected');
}

/** What clients did wrong is not logged. */
export function logFailure(
  log: Pick<Log, 'warn' | 'error'>,
  failure: HttpFailure,
  fields: { readonly method: string; readonly route: string | undefined; readonly error: unknown },
): void {
  if (isUnavailable(failure)) log.warn('http.unavailable', fields);
  if (failure === 'unexpected') log.error('http.failed', fields);
}

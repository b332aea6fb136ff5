import type { FastifyError } from 'fastify';
import { StoreUnavailable } from '../../core/ports/command.ts';

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

/** The store cannot take the work now; of some work nobody can tell whether it took it. */
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

const failuresByCode: Readonly<Record<string, HttpFailure>> = {
  FST_ERR_BAD_URL: 'malformed-path',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-content-type',
};

/** Which failure an error that reached Fastify is. */
export function classifyFailure(error: unknown): HttpFailure {
  if (error instanceof RefusedBody) return error.failure;
  if (error instanceof StoreUnavailable) return error.mayBeDone ? 'maybe-done' : 'unavailable';
  return failuresByCode[(error as Partial<FastifyError> | null)?.code ?? ''] ?? 'unexpected';
}

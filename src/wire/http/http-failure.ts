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
  | 'unavailable'
  | 'unexpected';

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
  if (error instanceof StoreUnavailable) return 'unavailable';
  return failuresByCode[(error as Partial<FastifyError> | null)?.code ?? ''] ?? 'unexpected';
}

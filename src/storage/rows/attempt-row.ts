import type { AttemptRecord } from '../../core/ports/message-store.ts';

export interface AttemptRow {
  started_at: number;
  duration_ms: number;
  status: number | null;
  error: string | null;
  address: string | null;
  response_headers: string | null;
  response_body: string | null;
  request_hash: Uint8Array | null;
}

export const attemptColumns = `started_at, duration_ms, status, error, address, response_headers, response_body, request_hash`;

export const toAttempt = (row: AttemptRow): AttemptRecord => ({
  startedAt: row.started_at,
  durationMs: row.duration_ms,
  status: row.status,
  error: row.error,
  address: row.address,
  responseHeaders: row.response_headers === null ? null : (JSON.parse(row.response_headers) as Record<string, string>),
  responseBody: row.response_body,
  requestHash: row.request_hash && Buffer.from(row.request_hash).toString('hex'),
});

/** In the order of `attemptColumns`; the hash as hexadecimal digits. */
export type AttemptValues = readonly [
  startedAt: number,
  durationMs: number,
  status: number | null,
  error: string | null,
  address: string | null,
  responseHeaders: string | null,
  responseBody: string | null,
  requestHash: AttemptRecord['requestHash'],
];

/** Targets may answer with what they were told: of people who were erased nothing is kept. */
export const fromAttempt = (attempt: AttemptRecord, aboutErasedUser: boolean): AttemptValues => {
  const { startedAt, durationMs, status, error, address, responseHeaders, responseBody, requestHash } = attempt;
  const response = [responseHeaders && JSON.stringify(responseHeaders), responseBody, requestHash] as const;
  return [startedAt, durationMs, status, error, address, ...(aboutErasedUser ? noResponse : response)];
};

const noResponse = [null, null, null] as const;

export const withoutResponse = ([startedAt, durationMs, status, error, address]: AttemptValues): AttemptValues => [
  startedAt,
  durationMs,
  status,
  error,
  address,
  ...noResponse,
];

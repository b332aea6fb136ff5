import { type EgressFailure, egressFailure } from './egress-failure.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface ExchangeRequest {
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly timeoutMs: number;
  /** How much of the response's body is kept. */
  readonly maxTextBytes: number;
}

export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface EgressResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly retryAfterMs: number | null;
  /** Names in lower case. */
  readonly headers: ResponseHeaders;
  /** The beginning of the body, `maxTextBytes` at most. */
  readonly text: string;
  /** IP address of the connection, as far as `sentOver` told. */
  readonly address: string | null;
}

/** A POST on its way to exactly one answer: a response, a failure or the deadline. */
export interface Exchange {
  readonly request: ExchangeRequest;
  readonly result: Promise<EgressResponse | EgressFailure>;
  /** True from then on: whoever still holds it need not send it. */
  settled(): boolean;
  /** What frees the connection when the answer is there before the connection is done. */
  onCancel(cancel: () => void): void;
  /** The request is being written to a connection to this IP address. */
  sentOver(address: string | null): void;
  responseStarted(status: number, headers: ResponseHeaders): void;
  /** Keeps the text and drains a little, so that the connection can be used again. Cancels when the body is too big. */
  responseData(chunk: Uint8Array): void;
  /** The end of the response, or of the connection: then the answer is the response as far as it came, if it came. */
  end(failure: EgressFailure | null): void;
}

const maxDrainedBytes = 64 * 1024;

/** Starts the clock. A service that has sent its status has answered, even if the rest of its body never comes. */
export function beginExchange(request: ExchangeRequest): Exchange {
  const { promise, resolve } = Promise.withResolvers<EgressResponse | EgressFailure>();
  let settled = false;
  let cancel: (() => void) | null = null;
  let status = 0;
  let headers: ResponseHeaders = {};
  let address: string | null = null;
  let text: Uint8Array[] = [];
  let receivedBytes = 0;

  const settle = (failure: EgressFailure | null, cut: boolean): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    resolve(
      status > 0
        ? {
            kind: 'response',
            status,
            retryAfterMs: parseRetryAfter(headers['retry-after'], Date.now()),
            headers,
            text: Buffer.concat(text).toString('utf8', 0, request.maxTextBytes),
            address,
          }
        : {
            ...(failure ?? egressFailure('connection', 'connection closed without a response')),
            address: address ?? failure?.address ?? null,
          },
    );
    if (cut) cancel?.();
    text = [];
  };
  const timer = setTimeout(() => settle(egressFailure('timeout', 'no response in time'), true), request.timeoutMs);

  return {
    request,
    result: promise,
    settled: () => settled,
    onCancel(callback) {
      cancel = callback;
    },
    sentOver(connectedTo) {
      address = connectedTo;
    },
    responseStarted(responseStatus, responseHeaders) {
      status = responseStatus;
      headers = responseHeaders;
    },
    responseData(chunk) {
      if (receivedBytes < request.maxTextBytes) text.push(chunk);
      receivedBytes += chunk.length;
      if (receivedBytes > maxDrainedBytes) settle(null, true);
    },
    end: (failure) => settle(failure, false),
  };
}

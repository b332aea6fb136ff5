import type { Deadlines, Expiring } from './deadlines.ts';
import { type EgressFailure, egressFailure } from './egress-failure.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface ExchangeRequest {
  /** Path and query. */
  readonly path: string;
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

export interface ExchangeOptions {
  readonly deadlines: Deadlines;
  /** Called once. */
  readonly onSettled: (result: EgressResponse | EgressFailure) => void;
}

const maxDrainedBytes = 64 * 1024;

/**
 * A POST on its way to exactly one answer: a response, a failure or the deadline. Its clock starts when it is made. A
 * service that has sent its status has answered, even if the rest of its body never comes.
 */
export class Exchange implements Expiring {
  readonly request: ExchangeRequest;
  readonly startedAt = performance.now();
  readonly expiresAt: number;
  readonly #options: ExchangeOptions;
  #settled = false;
  #cancel: (() => void) | null = null;
  #status = 0;
  #headers: ResponseHeaders = {};
  #address: string | null = null;
  #text: Uint8Array[] | null = null;
  #receivedBytes = 0;

  constructor(request: ExchangeRequest, options: ExchangeOptions) {
    this.request = request;
    this.expiresAt = this.startedAt + request.timeoutMs;
    this.#options = options;
    options.deadlines.add(this, request.timeoutMs);
  }

  /** True from then on: whoever still holds it need not send it. */
  settled(): boolean {
    return this.#settled;
  }

  /** What frees the connection when the answer is there before the connection is done. */
  onCancel(cancel: () => void): void {
    this.#cancel = cancel;
  }

  /** The request is being written to a connection to this IP address. */
  sentOver(address: string | null): void {
    this.#address = address;
  }

  responseStarted(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  /** Keeps the text and drains a little, so that the connection can be used again. Cancels when the body is too big. */
  responseData(chunk: Uint8Array): void {
    if (this.#settled) return;
    if (this.#receivedBytes < this.request.maxTextBytes) (this.#text ??= []).push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > maxDrainedBytes) this.#cut(null);
  }

  /** The end of the response, or of the connection: then the answer is the response as far as it came, if it came. */
  end(failure: EgressFailure | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.deadlines.remove(this, this.request.timeoutMs);
    this.#options.onSettled(this.#status > 0 ? this.#response() : this.#failure(failure));
    this.#text = null;
  }

  expire(): void {
    this.#cut(egressFailure('timeout', 'no response in time'));
  }

  #cut(failure: EgressFailure | null): void {
    this.end(failure);
    this.#cancel?.();
  }

  #response(): EgressResponse {
    const { 'retry-after': retryAfter } = this.#headers;
    return {
      kind: 'response',
      status: this.#status,
      retryAfterMs: retryAfter === undefined ? null : parseRetryAfter(retryAfter, Date.now()),
      headers: this.#headers,
      text: this.#text ? Buffer.concat(this.#text).toString('utf8', 0, this.request.maxTextBytes) : '',
      address: this.#address,
    };
  }

  #failure(failure: EgressFailure | null): EgressFailure {
    const { kind, reason, message, address } =
      failure ?? egressFailure('connection', 'connection closed without a response');
    return { kind, reason, message, address: this.#address ?? address };
  }
}

import { Pool } from 'undici';
import { connectionFailure, EgressError, type EgressFailure } from './egress-failure.ts';
import type { Exchange } from './exchange.ts';
import type { Connected } from './guarded-connect.ts';

export interface Http1PoolOptions {
  readonly origin: string;
  readonly connect: () => Promise<Connected | EgressFailure>;
  readonly maxConnections: number;
}

/** Shorter than what common servers keep idle connections for; a `Keep-Alive` header of theirs goes before it. */
const keepAliveTimeoutMs = 15_000;

/** Kept-alive HTTP/1.1 connections to one origin. */
export class Http1Pool {
  readonly #pool: Pool;

  constructor({ origin, connect, maxConnections }: Http1PoolOptions) {
    this.#pool = new Pool(origin, {
      connections: maxConnections,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveTimeoutMs,
      // The exchange has its own deadline over everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        void connect().then((result) =>
          result.kind === 'connected' ? callback(null, result.socket) : callback(new EgressError(result), null),
        );
      },
    });
  }

  send(exchange: Exchange): void {
    const { path, headers, body } = exchange.request;
    this.#pool.dispatch(
      { method: 'POST', path, headers, body },
      {
        onRequestStart(controller) {
          // Thrown, it ends only this request; aborted, it would end the connection too.
          if (exchange.settled()) throw new Error('given up before it was sent');
          exchange.onCancel(() => controller.abort(new Error('given up')));
        },
        onResponseStart(_controller, status, responseHeaders) {
          if (status >= 200) exchange.responseStarted(status, responseHeaders['retry-after']);
        },
        onResponseData: (_controller, chunk) => exchange.responseData(chunk),
        onResponseEnd: () => exchange.end(null),
        onResponseError: (_controller, error) => exchange.end(connectionFailure(error, 'connection failed')),
      },
    );
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

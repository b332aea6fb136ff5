import { Client, Pool } from 'undici';
import type { Dispatcher } from 'undici';
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
      factory: (url, options) => new Connection(url, options, connect),
    });
  }

  send(exchange: Exchange): void {
    const { path, headers, body } = exchange.request;
    this.#pool.dispatch({ method: 'POST', path, headers, body }, new ExchangeHandler(exchange));
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** One connection at a time, and whom it is with: undici does not tell which one a request was sent over. */
class Connection extends Client {
  address: string | null = null;

  constructor(url: URL, options: Client.Options, connect: Http1PoolOptions['connect']) {
    super(url, {
      ...options,
      connect: (_options, callback) => {
        void connect().then((result) => {
          this.address = result.address;
          if (result.kind === 'connected') callback(null, result.socket);
          else callback(new EgressError(result), null);
        });
      },
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof ExchangeHandler) handler.connection = this;
    return super.dispatch(options, handler);
  }
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  connection: Connection | null = null;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, it ends only this request; aborted, it would end the connection too.
    if (this.#exchange.settled()) throw new Error('given up before it was sent');
    this.#exchange.sentOver(this.connection?.address ?? null);
    this.#exchange.onCancel(() => controller.abort(new Error('given up')));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    if (status >= 200) this.#exchange.responseStarted(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#exchange.responseData(chunk);
  }

  onResponseEnd(): void {
    this.#exchange.end(null);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#exchange.end(connectionFailure(error, 'connection failed'));
  }
}

type IncomingHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

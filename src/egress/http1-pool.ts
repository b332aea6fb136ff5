import { Client } from 'undici';
import type { Dispatcher } from 'undici';
import { connectionFailure, EgressError, type EgressFailure, egressFailure } from './egress-failure.ts';
import type { Exchange } from './exchange.ts';
import type { Connected } from './guarded-connect.ts';

export interface Http1PoolOptions {
  readonly origin: string;
  readonly connect: () => Promise<Connected | EgressFailure>;
  readonly maxConnections: number;
}

/** Shorter than what common servers keep idle connections for; a `Keep-Alive` header of theirs goes before it. */
const keepAliveTimeoutMs = 15_000;

/**
 * Kept-alive HTTP/1.1 connections to one origin. Which of them is free is known here, so that a request goes at once to
 * the one whose response has just ended: it need not be put to rest and waked up again.
 */
export class Http1Pool {
  readonly #options: Http1PoolOptions;
  readonly #connections: Connection[] = [];
  /** The one that was used last comes last, so that the others may end. */
  readonly #free: Connection[] = [];
  #waiting: Exchange[] = [];
  #onFree: (() => void) | null = null;
  #closed = false;

  constructor(options: Http1PoolOptions) {
    this.#options = options;
  }

  send(exchange: Exchange): void {
    if (this.#closed) return exchange.end(egressFailure('connection', 'the connections are being closed'));
    const connection = this.#free.pop() ?? this.#open();
    if (connection) connection.send(exchange);
    else this.#waiting.push(exchange);
  }

  /** Waits for what is in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#free.length < this.#connections.length) {
      await new Promise<void>((resolve) => (this.#onFree = resolve));
    }
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #open(): Connection | null {
    if (this.#connections.length >= this.#options.maxConnections) return null;
    const connection = new Connection(this.#options, () => this.#freed(connection));
    this.#connections.push(connection);
    return connection;
  }

  #freed(connection: Connection): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (next.settled()) continue;
      const exchange = next;
      // undici may be going through what it has, and wants nothing new meanwhile.
      return queueMicrotask(() => connection.send(exchange));
    }
    this.#free.push(connection);
    this.#onFree?.();
  }
}

/** One connection at a time, with one request at a time, and whom it is with: undici does not tell. */
class Connection {
  /** To be called when the request is over. */
  readonly isDone: () => void;
  readonly #client: Client;
  #address: string | null = null;

  constructor({ origin, connect }: Http1PoolOptions, onFree: () => void) {
    this.isDone = onFree;
    this.#client = new Client(origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveTimeoutMs,
      // The exchange has its own deadline over everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        void connect().then((result) => {
          this.#address = result.address;
          if (result.kind === 'connected') callback(null, result.socket);
          else callback(new EgressError(result), null);
        });
      },
    });
  }

  send(exchange: Exchange): void {
    const { path, headers, body } = exchange.request;
    this.#client.dispatch({ method: 'POST', path, headers, body }, new ExchangeHandler(exchange, this));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** IP address. */
  get address(): string | null {
    return this.#address;
  }
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #connection: Connection;

  constructor(exchange: Exchange, connection: Connection) {
    this.#exchange = exchange;
    this.#connection = connection;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, it ends only this request; aborted, it would end the connection too.
    if (this.#exchange.settled()) throw new Error('given up before it was sent');
    this.#exchange.sentOver(this.#connection.address);
    this.#exchange.onCancel(() => controller.abort(new Error('given up')));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    if (status >= 200) this.#exchange.responseStarted(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#exchange.responseData(chunk);
  }

  onResponseEnd(): void {
    this.#connection.isDone();
    this.#exchange.end(null);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#connection.isDone();
    this.#exchange.end(connectionFailure(error, 'connection failed'));
  }
}

type IncomingHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

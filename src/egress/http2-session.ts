import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { connectionFailure } from './egress-failure.ts';
import type { Exchange } from './exchange.ts';

export interface Http2SessionOptions {
  readonly origin: string;
  /** TLS socket whose ALPN chose `h2`. */
  readonly socket: Socket;
  /** So long it is kept without use, as things are. */
  readonly idleTimeoutMs: () => number;
  /** A stream ended, the peer's limit changed or the connection is alive again: there may be room. */
  readonly onRoom: () => void;
  readonly onClosed: () => void;
  /** The peer never looked at this request (RFC 9113, 8.7): it may be sent again. */
  readonly onRefused: (exchange: Exchange) => void;
}

/** More on one TCP connection gains nothing; several sessions do. */
const maxStreams = 200;
const checkEveryMs = 20_000;
const lingerMs = 1_000;
/** While nothing is sent: whether the connection is alive is known before it is needed. */
const pingEveryMs = 60_000;

/** One HTTP/2 connection: how many streams it has room for, and whether it is still alive. */
export class Http2Session {
  readonly #options: Http2SessionOptions;
  readonly #session: http2.ClientHttp2Session;
  /** As in URLs; left alone, Node adds `:443`. */
  readonly #authority: string;
  readonly #check: NodeJS.Timeout;
  /** RFC 9113, 3.4: the peer's settings are the first that it sends; streams before them might be too many. */
  #peerMaxStreams: number | null = null;
  #streams = 0;
  #awaitingPong = false;
  /** A request was given up: whether the connection is dead is what the next pong tells. */
  #suspect = false;
  #lastUsedAt = performance.now();
  #lastPingAt = performance.now();

  constructor(options: Http2SessionOptions) {
    this.#options = options;
    this.#authority = new URL(options.origin).host;
    this.#session = http2.connect(options.origin, {
      createConnection: () => options.socket,
      settings: { enablePush: false },
    });
    this.#check = setInterval(() => this.#keepAlive(), checkEveryMs).unref();
    this.#session.on('remoteSettings', ({ maxConcurrentStreams = Number.POSITIVE_INFINITY }) => {
      this.#peerMaxStreams = maxConcurrentStreams;
      options.onRoom();
    });
    // The streams tell their exchanges what happened; `close` follows.
    this.#session.on('error', () => this.#session.destroy());
    this.#session.on('close', () => {
      clearInterval(this.#check);
      options.onClosed();
    });
  }

  get streams(): number {
    return this.#streams;
  }

  get maxStreams(): number {
    return Math.min(this.#peerMaxStreams ?? 0, maxStreams);
  }

  /** False until the settings of the peer are here. */
  get ready(): boolean {
    return this.#peerMaxStreams !== null;
  }

  /** False after GOAWAY, while the connection may be dead, and when its streams are used up. */
  get hasRoom(): boolean {
    return !this.#session.closed && !this.#session.destroyed && !this.#suspect && this.#streams < this.maxStreams;
  }

  send(exchange: Exchange): void {
    const { path, headers, body } = exchange.request;
    const requestHeaders = {
      ':method': 'POST',
      ':authority': this.#authority,
      ':path': path,
      // Optional in HTTP/2 (RFC 9113, 8.1.1), but push services may refuse what declares no length (411).
      'content-length': Buffer.byteLength(body),
      ...headers,
    };
    let stream: http2.ClientHttp2Stream;
    try {
      stream = this.#session.request(requestHeaders, { endStream: false });
    } catch (error) {
      exchange.end(connectionFailure(error, 'request not sent'));
      return;
    }
    this.#streams += 1;
    this.#lastUsedAt = performance.now();
    exchange.onCancel(() => {
      stream.close(http2.constants.NGHTTP2_CANCEL);
      // Cancelled streams would make a dead connection look like the emptiest one.
      this.#suspect = true;
      this.#ping();
    });
    let failure: Error | null = null;
    stream.on('response', (responseHeaders) =>
      exchange.responseStarted(responseHeaders[':status'] ?? 0, responseHeaders),
    );
    stream.on('data', (chunk: Buffer) => exchange.responseData(chunk));
    stream.on('end', () => {
      if (!stream.aborted) exchange.end(null);
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () => {
      this.#streams -= 1;
      if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) this.#options.onRefused(exchange);
      else exchange.end(failure && connectionFailure(failure, 'connection failed'));
      this.#hangUp();
      this.#options.onRoom();
    });
    stream.end(body);
  }

  /** Resolves when the streams have ended. */
  close(): Promise<void> {
    if (this.#session.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#session.once('close', resolve);
      this.#session.close();
      this.#hangUp();
    });
  }

  /** Once there is nothing more to come. Node ends the connection gently, and waits for a peer that may be gone. */
  #hangUp(): void {
    if (!this.#session.closed || this.#streams > 0) return;
    setTimeout(() => this.#options.socket.destroy(), lingerMs).unref();
  }

  #keepAlive(): void {
    this.#hangUp();
    if (this.#awaitingPong || !this.ready) {
      this.#session.destroy(new Error('connection is dead'));
      this.#options.socket.destroy();
    } else if (this.#streams > 0) {
      this.#ping();
    } else if (performance.now() - this.#lastUsedAt > this.#options.idleTimeoutMs()) {
      this.#session.close();
    } else if (performance.now() - this.#lastPingAt > pingEveryMs) {
      this.#ping();
    }
  }

  #ping(): void {
    if (this.#awaitingPong || this.#session.destroyed) return;
    this.#lastPingAt = performance.now();
    this.#awaitingPong = this.#session.ping(() => {
      this.#awaitingPong = false;
      this.#suspect = false;
      this.#options.onRoom();
    });
  }
}

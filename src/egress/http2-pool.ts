import { egressFailure, type EgressFailure } from './egress-failure.ts';
import type { Exchange } from './exchange.ts';
import type { Connected } from './guarded-connect.ts';
import { Http2Session } from './http2-session.ts';

export interface Http2PoolOptions {
  readonly origin: string;
  /** Of the last session. */
  readonly idleTimeoutMs: number;
  /** A connection whose ALPN chose `h2`. */
  readonly connect: () => Promise<Connected | EgressFailure>;
}

const maxSessions = 8;
/** Of sessions that others are there beside. */
const spareIdleTimeoutMs = 60_000;
/** Part of a session's streams in use from which another session is opened. */
const crowded = 0.75;

/** HTTP/2 sessions to one origin: opened as they fill up, replaced when they close. */
export class Http2Pool {
  readonly #options: Http2PoolOptions;
  readonly #sessions = new Set<Http2Session>();
  readonly #refusedOnce = new WeakSet<Exchange>();
  #waiting: Exchange[] = [];
  #connecting = false;
  #closed = false;

  constructor(options: Http2PoolOptions, first: Connected) {
    this.#options = options;
    this.#add(first);
  }

  send(exchange: Exchange): void {
    this.#waiting.push(exchange);
    this.#pump();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  #add({ socket }: Connected): void {
    const { origin, idleTimeoutMs } = this.#options;
    const session = new Http2Session({
      origin,
      idleTimeoutMs: () => (this.#sessions.size > 1 ? spareIdleTimeoutMs : idleTimeoutMs),
      socket,
      onRoom: () => this.#pump(),
      onClosed: () => {
        this.#sessions.delete(session);
        this.#pump();
      },
      onRefused: (exchange) => {
        if (exchange.settled()) return;
        if (this.#refusedOnce.has(exchange)) {
          exchange.end(egressFailure('connection', 'request refused twice'));
          return;
        }
        this.#refusedOnce.add(exchange);
        this.#waiting.push(exchange);
      },
    });
    this.#sessions.add(session);
  }

  #pump(): void {
    let sent = 0;
    for (const exchange of this.#waiting) {
      if (!exchange.settled()) {
        const session = this.#emptiest();
        if (!session) break;
        session.send(exchange);
      }
      sent += 1;
    }
    this.#waiting.splice(0, sent);
    if (this.#wantsMore()) void this.#connect();
  }

  #emptiest(): Http2Session | null {
    let best: Http2Session | null = null;
    for (const session of this.#sessions) {
      if (session.hasRoom && (!best || session.streams < best.streams)) best = session;
    }
    return best;
  }

  #wantsMore(): boolean {
    if (this.#connecting || this.#sessions.size >= maxSessions) return false;
    for (const session of this.#sessions) if (!session.ready) return false;
    if (this.#waiting.length > 0) return true;
    const emptiest = this.#emptiest();
    return emptiest !== null && emptiest.streams >= crowded * emptiest.maxStreams;
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    const result = await this.#options.connect();
    this.#connecting = false;
    if (result.kind === 'connected' && this.#closed) {
      result.socket.destroy();
      return;
    }
    if (result.kind === 'connected') {
      this.#add(result);
    } else if (this.#sessions.size === 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const exchange of waiting) exchange.end(result);
      return;
    } else return;
    this.#pump();
  }
}

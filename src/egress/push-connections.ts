import type { PushConnections, PushRequest, PushResponse } from '../core/ports/push-connections.ts';
import { Deadlines } from './deadlines.ts';
import { egressFailure, type EgressFailure } from './egress-failure.ts';
import { Exchange, type EgressResponse } from './exchange.ts';
import { type ConnectDeps, type Connected, guardedConnect } from './guarded-connect.ts';
import { Http1Pool } from './http1-pool.ts';
import { Http2Pool } from './http2-pool.ts';
import { OriginCache, type OriginEntry } from './origin-cache.ts';

export interface PushConnectionsDeps extends ConnectDeps {
  readonly maxOrigins?: number;
  /** Without HTTP/2 each request in flight needs a connection of its own. */
  readonly maxHttp1Connections?: number;
  /** So long an HTTP/2 connection is kept that nobody uses; a minute when left out. */
  readonly idleTimeoutMs?: number;
}

const connectTimeoutMs = 10_000;
/** An access token of Google's fits. */
const maxTextBytes = 4096;

/**
 * Several HTTP/2 sessions per push service that offers it, else kept-alive HTTP/1.1 connections. ALPN is asked once per
 * origin.
 */
export function createPushConnections(deps: PushConnectionsDeps): PushConnections {
  const { maxOrigins = 200, maxHttp1Connections = 500, idleTimeoutMs = 60_000 } = deps;
  const limits = { maxHttp1Connections, idleTimeoutMs, deadlines: new Deadlines() };
  const origins = new OriginCache(maxOrigins, (origin) => new PushOrigin(deps, origin, limits));
  return {
    request: async (request): Promise<PushResponse> =>
      (await origins.get(request.origin)?.request(request)) ??
      egressFailure('connection', 'too many push services are being waited for'),
    close: () => origins.close(),
  };
}

interface Sender {
  send(exchange: Exchange): void;
  close(): Promise<void>;
}

type ConnectionLimits = Required<Pick<PushConnectionsDeps, 'maxHttp1Connections' | 'idleTimeoutMs'>> & {
  readonly deadlines: Deadlines;
};

class PushOrigin implements OriginEntry {
  readonly #deps: ConnectDeps;
  readonly #origin: string;
  readonly #limits: ConnectionLimits;
  #sender: Promise<Sender | EgressFailure> | null = null;
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(deps: ConnectDeps, origin: string, limits: ConnectionLimits) {
    this.#deps = deps;
    this.#origin = origin;
    this.#limits = limits;
  }

  async request(request: PushRequest): Promise<PushResponse> {
    const { promise, resolve } = Promise.withResolvers<EgressResponse | EgressFailure>();
    const { deadlines } = this.#limits;
    this.#inFlight.add(promise);
    void this.#send(new Exchange({ ...request, maxTextBytes }, { deadlines, onSettled: resolve }));
    const response = await promise;
    this.#inFlight.delete(promise);
    if (response.kind === 'error') return response;
    const { kind, status, retryAfterMs, text } = response;
    return { kind, status, retryAfterMs, text };
  }

  busy(): boolean {
    return this.#inFlight.size > 0;
  }

  async close(): Promise<void> {
    await Promise.all(this.#inFlight);
    const sender = await this.#sender;
    if (sender && 'send' in sender) await sender.close();
  }

  async #send(exchange: Exchange): Promise<void> {
    this.#sender ??= this.#probe();
    const sender = await this.#sender;
    if ('send' in sender) sender.send(exchange);
    else exchange.end(sender);
  }

  /** The first connection tells which protocol the service speaks, and is the first one used. */
  async #probe(): Promise<Sender | EgressFailure> {
    const first = await this.#connect(['h2', 'http/1.1']);
    if (first.kind === 'error') {
      this.#sender = null;
      return first;
    }
    if (first.protocol === 'h2') {
      const { idleTimeoutMs } = this.#limits;
      return new Http2Pool({ origin: this.#origin, idleTimeoutMs, connect: () => this.#connectHttp2() }, first);
    }
    let unused: Connected | null = first;
    return new Http1Pool({
      origin: this.#origin,
      maxConnections: this.#limits.maxHttp1Connections,
      connect: async () => {
        const connected = unused;
        unused = null;
        return connected ?? this.#connect(['http/1.1']);
      },
    });
  }

  /** A service that has stopped speaking HTTP/2 is asked again. */
  async #connectHttp2(): Promise<Connected | EgressFailure> {
    const connected = await this.#connect(['h2', 'http/1.1']);
    if (connected.kind === 'connected' && connected.protocol !== 'h2') {
      connected.socket.destroy();
      this.#sender = null;
      return egressFailure('connection', 'HTTP/2 is not offered any more');
    }
    return connected;
  }

  #connect(alpnProtocols: readonly string[]): Promise<Connected | EgressFailure> {
    const { hostname, port } = new URL(this.#origin);
    return guardedConnect(this.#deps, {
      hostname,
      port: Number(port || 443),
      alpnProtocols,
      timeoutMs: connectTimeoutMs,
    });
  }
}

import type { HttpClient, HttpOutcome } from '../core/ports/http-client.ts';
import { egressFailure } from './egress-failure.ts';
import { beginExchange } from './exchange.ts';
import { type ConnectDeps, guardedConnect } from './guarded-connect.ts';
import { Http1Pool } from './http1-pool.ts';
import { OriginCache, type OriginEntry } from './origin-cache.ts';

export interface HttpClientDeps extends ConnectDeps {
  /** Lets `http:` URLs through. */
  readonly allowHttp: boolean;
  readonly maxOrigins?: number;
  /** At least what callers have in flight to one origin: waiting for a connection counts against their time. */
  readonly maxConnectionsPerOrigin: number;
}

const connectTimeoutMs = 10_000;

/** Webhooks' way out: kept-alive HTTP/1.1 through the guard. `close` waits for what is in flight. */
export function createHttpClient(deps: HttpClientDeps): HttpClient & { close(): Promise<void> } {
  const { allowHttp, maxOrigins = 500, maxConnectionsPerOrigin } = deps;
  const origins = new OriginCache(maxOrigins, (origin) => openOrigin(deps, origin, maxConnectionsPerOrigin));
  return {
    async post({ url, headers, body, timeoutMs }): Promise<HttpOutcome> {
      if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
        return egressFailure('refused', `${url.protocol} URLs are not allowed`);
      }
      const origin = origins.get(url.origin);
      if (!origin) return egressFailure('connection', 'too many hosts are being waited for');
      const exchange = beginExchange({ path: url.pathname + url.search, headers, body, timeoutMs });
      origin.inFlight += 1;
      origin.pool.send(exchange);
      const result = await exchange.result;
      origin.inFlight -= 1;
      if (result.kind === 'error') return result;
      return { kind: 'response', status: result.status, retryAfterMs: result.retryAfterMs };
    },
    close: () => origins.close(),
  };
}

interface HttpOrigin extends OriginEntry {
  readonly pool: Http1Pool;
  inFlight: number;
}

function openOrigin(deps: ConnectDeps, origin: string, maxConnections: number): HttpOrigin {
  const { hostname, port, protocol } = new URL(origin);
  const secure = protocol === 'https:';
  const target = {
    hostname,
    port: Number(port || (secure ? 443 : 80)),
    alpnProtocols: secure ? ['http/1.1'] : null,
    timeoutMs: connectTimeoutMs,
  };
  const pool = new Http1Pool({ origin, maxConnections, connect: () => guardedConnect(deps, target) });
  const entry: HttpOrigin = { pool, inFlight: 0, busy: () => entry.inFlight > 0, close: () => pool.close() };
  return entry;
}

import type { HttpClient, HttpError, HttpOutcome, HttpPost, HttpResponse } from '../core/ports/http-client.ts';
import { boundedHeaders } from './bounded-headers.ts';
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

type Answer = (HttpResponse | HttpError) & Pick<HttpOutcome, 'address'>;

const connectTimeoutMs = 10_000;
const maxHeaderBytes = 4096;
const maxBodyBytes = 4096;

/** Webhooks' way out: kept-alive HTTP/1.1 through the guard. `close` waits for what is in flight. */
export function createHttpClient(deps: HttpClientDeps): HttpClient & { close(): Promise<void> } {
  const { allowHttp, maxOrigins = 500, maxConnectionsPerOrigin } = deps;
  const origins = new OriginCache(maxOrigins, (origin) => openOrigin(deps, origin, maxConnectionsPerOrigin));

  async function post({ url, headers, body, timeoutMs }: HttpPost): Promise<Answer> {
    if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
      return egressFailure('refused', `${url.protocol} URLs are not allowed`);
    }
    const origin = origins.get(url.origin);
    if (!origin) return egressFailure('connection', 'too many hosts are being waited for');
    const request = { path: url.pathname + url.search, headers, body, timeoutMs, maxTextBytes: maxBodyBytes };
    const exchange = beginExchange(request);
    origin.inFlight += 1;
    origin.pool.send(exchange);
    const result = await exchange.result;
    origin.inFlight -= 1;
    if (result.kind === 'error') {
      const unconnected = result.reason === 'timeout' && result.address === null;
      return unconnected ? { ...result, message: `no connection to ${url.hostname} in time` } : result;
    }
    const { text, ...response } = result;
    return {
      ...response,
      headers: boundedHeaders(response.headers, maxHeaderBytes),
      // Not every database takes a NUL in a text.
      body: text.replaceAll('\0', '\ufffd'),
    };
  }

  return {
    async post(request): Promise<HttpOutcome> {
      const startedAt = performance.now();
      const outcome = await post(request);
      return { ...outcome, durationMs: Math.round(performance.now() - startedAt) };
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

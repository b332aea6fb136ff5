import type { HttpClient, HttpOutcome, HttpPost } from '../core/ports/http-client.ts';
import { boundedHeaders } from './bounded-headers.ts';
import { Deadlines } from './deadlines.ts';
import { egressFailure, type EgressFailure } from './egress-failure.ts';
import { type EgressResponse, Exchange } from './exchange.ts';
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
const maxHeaderBytes = 4096;
const maxBodyBytes = 4096;

/** Webhooks' way out: kept-alive HTTP/1.1 through the guard. `close` waits for what is in flight. */
export function createHttpClient(deps: HttpClientDeps): HttpClient & { close(): Promise<void> } {
  const { allowHttp, maxOrigins = 500, maxConnectionsPerOrigin } = deps;
  const origins = new OriginCache(maxOrigins, (origin) => openOrigin(deps, origin, maxConnectionsPerOrigin));
  const deadlines = new Deadlines();

  return {
    post({ url, headers, body, timeoutMs }: HttpPost): Promise<HttpOutcome> {
      const place = placeOf(url);
      if (place.protocol !== 'https:' && !(allowHttp && place.protocol === 'http:')) {
        return Promise.resolve(unsent('refused', `${place.protocol} URLs are not allowed`));
      }
      const origin = origins.get(place.origin);
      if (!origin) return Promise.resolve(unsent('connection', 'too many hosts are being waited for'));
      origin.inFlight += 1;
      return new Promise((resolve) => {
        const request = { path: place.path, headers, body, timeoutMs, maxTextBytes: maxBodyBytes };
        const onSettled = (result: EgressResponse | EgressFailure): void => {
          origin.inFlight -= 1;
          resolve(outcomeOf(result, url, Math.round(performance.now() - exchange.startedAt)));
        };
        const exchange = new Exchange(request, { deadlines, onSettled });
        origin.pool.send(exchange);
      });
    },
    close: () => origins.close(),
  };
}

const unsent = (reason: EgressFailure['reason'], message: string): HttpOutcome => ({
  ...egressFailure(reason, message),
  durationMs: 0,
});

function outcomeOf(result: EgressResponse | EgressFailure, url: URL, durationMs: number): HttpOutcome {
  const { address } = result;
  if (result.kind === 'response') {
    const { kind, status, retryAfterMs, headers, text } = result;
    // Not every database takes a NUL in a text.
    const body = text === '' ? text : text.replaceAll('\0', '\ufffd');
    return { kind, status, retryAfterMs, headers: boundedHeaders(headers, maxHeaderBytes), body, address, durationMs };
  }
  const unconnected = result.reason === 'timeout' && address === null;
  return { ...result, ...(unconnected && { message: `no connection to ${url.hostname} in time` }), durationMs };
}

interface Place {
  readonly protocol: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

/** Most URLs are a webhook's, and are sent to again and again. Nobody changes them. */
const places = new WeakMap<URL, Place>();

function placeOf(url: URL): Place {
  const known = places.get(url);
  if (known) return known;
  const place = { protocol: url.protocol, origin: url.origin, path: url.pathname + url.search };
  places.set(url, place);
  return place;
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

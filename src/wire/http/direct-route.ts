import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isUuid } from '../../protocol/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { defaultAnswer, maxHeaders } from './default-answer.ts';
import { classifyFailure, logFailure, ServerBusy } from './http-failure.ts';
import type { InFlight } from './in-flight.ts';
import { readJson } from './json-body.ts';

/** What a handler needs of a request beside its body. */
export interface RequestHead {
  /** The one parameter of its path. */
  readonly instanceId: string;
  readonly headers: IncomingHttpHeaders;
}

/** Its `instanceId` is a UUID. */
export interface DirectRequest extends RequestHead {
  /** Of the client; null: a proxy names it, and Fastify knows which ones are trusted. */
  readonly ip: string | null;
  readonly socket: IncomingMessage['socket'];
}

export interface DirectAnswer {
  readonly status: number;
  /** JSON; empty for none. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The other form of a `POST` route, in its `config`: how its plain requests are answered without Fastify. */
export interface DirectRoute {
  /** What the hooks of the route do: gives headers of the answer, or null for all that they would refuse or wait for. */
  admit(request: DirectRequest): Readonly<Record<string, string>> | null;
  /** What its handler does. */
  answer(request: RequestHead, body: unknown): Promise<DirectAnswer>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly direct?: DirectRoute;
  }
}

export interface DirectRoutesDeps {
  readonly inFlight: InFlight;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'requestAnswered'> | undefined;
  /** Clients may come by proxies that are believed. */
  readonly trustsProxies: boolean;
}

interface KnownRoute {
  readonly direct: DirectRoute;
  /** Pattern of its path, `<before>:instance<after>`. */
  readonly url: string;
  readonly before: string;
  readonly after: string;
  readonly maxBytes: number;
}

interface Found {
  readonly route: KnownRoute;
  readonly request: DirectRequest;
}

const uuidLength = 36;
const parameter = ':instance';
const json = /^application\/json(?:; ?charset=utf-8)?$/i;

/**
 * The routes that are asked most, a request each for every publish and every device that tells of one. Fastify, with its hooks,
 * takes half as long again as `node:http` itself. So it has the same routes, and gets every request that is not plain or not
 * admitted, as it came: it alone knows how requests are refused before they are read.
 * docs/decisions/0027-direct-routes.md
 */
export class DirectRoutes {
  readonly #deps: DirectRoutesDeps;
  readonly #routes: KnownRoute[] = [];
  #closed = false;

  constructor(deps: DirectRoutesDeps) {
    this.#deps = deps;
  }

  /** `url` has one parameter, `:instance`. */
  add(url: string, maxBytes: number, direct: DirectRoute): void {
    const [before = '', after = ''] = url.split(parameter);
    this.#routes.push({ direct, url, before, after, maxBytes });
  }

  /** From here on Fastify gets all: it knows how connections end. */
  close(): void {
    this.#closed = true;
  }

  /** Answers what it can, and leaves the rest to `others`. */
  listener(others: RequestListener): RequestListener {
    return (request, response) => {
      const found = this.#find(request);
      const headers = found && this.#admit(found);
      if (headers) this.#serve(found, headers, request, response);
      else others(request, response);
    };
  }

  /** What throws here throws in a hook too, where Fastify answers it. */
  #admit({ route, request }: Found): Readonly<Record<string, string>> | null {
    try {
      return route.direct.admit(request);
    } catch (error) {
      this.#deps.log.error('http.failed', { method: 'POST', route: route.url, error });
      return null;
    }
  }

  #find(raw: IncomingMessage): Found | null {
    const { url = '', method } = raw;
    if (method !== 'POST' || this.#closed) return null;
    const route = this.#routes.find(
      ({ before, after }) =>
        url.length === before.length + uuidLength + after.length && url.startsWith(before) && url.endsWith(after),
    );
    if (!route || raw.rawHeaders.length > 2 * maxHeaders) return null;
    const instanceId = url.slice(route.before.length, route.before.length + uuidLength);
    const { headers, socket } = raw;
    // Without a length, or with none that the route takes, it is Fastify's to say so.
    const bytes = Number(headers['content-length'] ?? 0);
    const isPlain = bytes > 0 && bytes <= route.maxBytes && json.test(headers['content-type'] ?? '');
    if (!isPlain || !isUuid(instanceId)) return null;
    const byProxy = this.#deps.trustsProxies && headers['x-forwarded-for'] !== undefined;
    const ip = byProxy ? null : (socket.remoteAddress ?? '');
    return { route, request: { instanceId, headers, ip, socket } };
  }

  #serve(
    { route, request }: Found,
    headers: Readonly<Record<string, string>>,
    raw: IncomingMessage,
    response: ServerResponse,
  ): void {
    const { inFlight, log, metrics } = this.#deps;
    const startedAt = performance.now();
    // Admitted although only a proxy says who it is: it has a key.
    inFlight.track(raw, response, request.ip === null ? null : { ip: request.ip, socket: request.socket });
    const send = ({ status, body, headers: more }: DirectAnswer): void => {
      // The client has gone: nothing is answered, and nothing counted.
      if (response.destroyed) return;
      response.writeHead(status, {
        ...headers,
        ...more,
        ...(body !== '' && { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
      metrics?.requestAnswered({ method: 'POST', route: route.url, status, durationMs: performance.now() - startedAt });
    };
    const fail = (error: unknown): void => {
      const failure = classifyFailure(error);
      logFailure(log, failure, { method: 'POST', route: route.url, error });
      send(defaultAnswer(failure));
    };
    const answerTo = async (body: unknown): Promise<DirectAnswer> => route.direct.answer(request, body);
    const answer = (body: unknown): void => void answerTo(body).then(send, fail);
    readJson(raw, { maxBytes: route.maxBytes, inFlight }, (error, body) => {
      // What follows in the connection may be the rest of the body.
      if (error) response.setHeader('connection', 'close');
      if (error) fail(error);
      else if (!inFlight.addRequest(raw)) fail(new ServerBusy('too many requests in flight'));
      else answer(body);
    });
  }
}

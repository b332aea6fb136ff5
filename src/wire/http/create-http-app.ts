import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify';
import { fastify } from 'fastify';
import type { Log } from '../../core/ports/log.ts';
import type { Metrics } from '../../core/ports/metrics.ts';
import { defaultAnswer, maxHeaders, maxPathLength } from './default-answer.ts';
import { DirectRoutes } from './direct-route.ts';
import type { HttpFailure } from './http-failure.ts';
import { classifyFailure, logFailure, ServerBusy } from './http-failure.ts';
import { InFlight } from './in-flight.ts';
import { parseJsonBodies } from './json-body.ts';
import { shareConnections } from './share-connections.ts';
import { unusedConnections } from './unused-connections.ts';

export interface HttpAppOptions {
  readonly log: Log;
  /** PEM texts; null serves plain HTTP. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer } | null;
  /** Addresses and CIDR ranges of the proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** The wires; each is encapsulated, so that its hooks and error handler stay its own. */
  readonly routes: readonly FastifyPluginAsync[];
  /** Shared by the listeners of a process. */
  readonly inFlight?: InFlight;
  readonly metrics?: Pick<Metrics, 'requestAnswered'>;
}

/** About as many requests as the store's queue takes, and bodies that fit into the memory of a small machine once parsed. */
export const defaultInFlight = { maxRequests: 10_000, maxBodyBytes: 32 * 1024 * 1024 };
/** Most need some file descriptors for going out. */
const maxConnections = 20_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `always`: is answered however many other requests are in flight. */
    readonly admission?: 'always';
    /** Whatever body comes is not read: Node throws it away once the request is answered. */
    readonly leavesBody?: true;
  }
}

const maxHeaderBytes = 16 * 1024;

const serverOptions = {
  maxHeaderSize: maxHeaderBytes,
  /** Node's own refusal has an empty body. */
  requireHostHeader: false,
  /** Slow clients: time for the head, then for the whole request, and how often that is looked at. */
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  /** Longer than load balancers keep idle connections (60 s is common), so that they never send into a closing one. */
  keepAliveTimeout: 65_000,
};
/** Nothing read or written for so long: also ends connections of clients that do not read their answers. */
const socketTimeoutMs = 70_000;

/**
 * One listener's HTTP application; call it once per listener with the same routes. The caller listens and closes.
 * Requests are answered to the end while it closes.
 */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { log, tls, trustedProxies, routes, inFlight = new InFlight(defaultInFlight), metrics } = options;
  const direct = new DirectRoutes({ inFlight, log, metrics, trustsProxies: trustedProxies.length > 0 });
  let unused: ReturnType<typeof unusedConnections> | null = null;
  const app = fastify<http.Server>({
    // Not Fastify's own servers, whose type differs between HTTP and HTTPS.
    serverFactory: (fastifys) => {
      const plain = direct.listener(fastifys);
      const handler: http.RequestListener = (request, response) =>
        request.headers.host === undefined && request.httpVersion === '1.1'
          ? refuse(response, 400, 'A request of HTTP/1.1 must have a Host header')
          : plain(request, response);
      const server: http.Server = tls
        ? https.createServer({ ...serverOptions, handshakeTimeout: serverOptions.headersTimeout, ...tls }, handler)
        : http.createServer(serverOptions, handler);
      server.on('checkExpectation', (_request, response) =>
        refuse(response, 417, 'The only value that the Expect header may have is 100-continue'),
      );
      server.setTimeout(socketTimeoutMs);
      server.maxConnections = maxConnections;
      shareConnections(server, maxConnections, trustedProxies);
      unused = unusedConnections(server, tls !== null);
      return server;
    },
    // Fastify ends a 503 of its own format otherwise, which Beams' Node client cannot read.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    // Of routes that name no other: they need none.
    bodyLimit: 1024,
    routerOptions: {
      // Names in paths are judged by the wires, which know what to answer; the header limit bounds them before that.
      maxParamLength: maxHeaderBytes,
    },
    frameworkErrors: (error, _request, reply) => void sendFailure(reply, classifyFailure(error)),
    clientErrorHandler: (error, socket) => answerClientError(error, socket),
  });
  app.addHook('onRoute', ({ url, bodyLimit, config }) => {
    if (config?.direct && bodyLimit !== undefined) direct.add(url, bodyLimit, config.direct);
  });
  app.addHook('preClose', (done) => {
    direct.close();
    unused?.end();
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (request.raw.rawHeaders.length > 2 * maxHeaders) return sendFailure(reply, 'too-many-headers');
    if ((request.raw.url ?? '').length > maxPathLength) return sendFailure(reply, 'path-too-long');
    inFlight.track(request.raw, reply.raw, request);
    // Of methods that caches keep (RFC 9110, section 9.2.3): what may be kept, its route says.
    if (request.method === 'GET' || request.method === 'HEAD') reply.header('cache-control', 'no-store');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? null;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    metrics?.requestAnswered({ method: request.method, route, status, durationMs });
    done();
  });
  app.addHook('preHandler', (request, _reply, done) => {
    const { admission } = request.routeOptions.config;
    const hasRoom = admission === 'always' || inFlight.addRequest(request.raw);
    done(hasRoom ? undefined : new ServerBusy('too many requests in flight'));
  });
  parseJsonBodies(app, inFlight);
  app.setNotFoundHandler((_request, reply) => sendFailure(reply, 'unknown-route'));
  app.setErrorHandler((error, request, reply) => {
    const failure = classifyFailure(error);
    logFailure(log, failure, { method: request.method, route: request.routeOptions.url, error });
    return sendFailure(reply, failure);
  });
  for (const plugin of routes) await app.register(plugin);
  return app;
}

function sendFailure(reply: FastifyReply, failure: HttpFailure): FastifyReply {
  const { status, headers, body } = defaultAnswer(failure);
  // A buffer, because Fastify adds a charset to the content type of JSON strings.
  return reply.code(status).headers(headers).send(Buffer.from(body));
}

/** In place of Node's own answers, whose bodies are empty. */
function refuse(response: http.ServerResponse, status: number, description: string): void {
  // What follows in the connection may be a body.
  const headers = { 'content-type': 'application/json', connection: 'close' };
  response.writeHead(status, headers).end(badRequest(description));
}

const badRequest = (description: string): string => `${JSON.stringify({ error: 'Bad Request', description })}\n`;

/** Requests that Node's parser gave up on. */
const clientErrors: Readonly<Record<string, readonly [statusLine: string, description: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', `Headers and path may have ${maxHeaderBytes} bytes`],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time'],
};
const notHttp = ['400 Bad Request', 'This is not an HTTP/1.1 request'] as const;

function answerClientError(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [statusLine, description] = clientErrors[error.code ?? ''] ?? notHttp;
  const body = badRequest(description);
  socket.end(
    `HTTP/1.1 ${statusLine}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

import type { FastifyPluginAsync } from 'fastify';
import type { Log } from '../../core/ports/log.ts';
import { isUuid } from '../../protocol/ids.ts';
import { retryAfterSeconds } from '../http/default-answer.ts';
import type { HttpFailure } from '../http/http-failure.ts';
import { classifyFailure } from '../http/http-failure.ts';
import type { AdminFailureCode } from './admin-failure.ts';
import { AdminFailure, unknownInstance, unknownMessage, unknownReplay, unknownWebhook } from './admin-failure.ts';
import { tokenCheck } from './check-token.ts';
import type { CredentialsRoutesDeps } from './credentials-routes.ts';
import { credentialsRoutes } from './credentials-routes.ts';
import type { InstanceRoutesDeps } from './instance-routes.ts';
import { instanceRoutes } from './instance-routes.ts';
import type { MessageRoutesDeps } from './message-routes.ts';
import { messageRoutes } from './message-routes.ts';
import type { PushOriginRoutesDeps } from './push-origin-routes.ts';
import { pushOriginRoutes } from './push-origin-routes.ts';
import type { RecoveryRoutesDeps } from './recovery-routes.ts';
import { recoveryRoutes } from './recovery-routes.ts';
import type { OperationRoutesDeps } from './operation-routes.ts';
import { operationRoutes } from './operation-routes.ts';
import type { WebhookRoutesDeps } from './webhook-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

export interface AdminRoutesDeps
  extends
    InstanceRoutesDeps,
    CredentialsRoutesDeps,
    WebhookRoutesDeps,
    MessageRoutesDeps,
    RecoveryRoutesDeps,
    PushOriginRoutesDeps,
    OperationRoutesDeps {
  readonly store: InstanceRoutesDeps['store'] &
    CredentialsRoutesDeps['store'] &
    WebhookRoutesDeps['store'] &
    MessageRoutesDeps['store'] &
    RecoveryRoutesDeps['store'];
  readonly log: Log;
  readonly adminToken: string;
}

/** Everything below `/admin/v1`: asks for `Authorization: Bearer <admin token>`, speaks JSON. */
export const adminRoutes =
  (deps: AdminRoutesDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(routesBelowPrefix(deps), { prefix: '/admin/v1' });
  };

const routesBelowPrefix =
  (deps: AdminRoutesDeps): FastifyPluginAsync =>
  async (app) => {
    const isAdmin = tokenCheck(deps.adminToken);
    app.addHook('onRequest', async (request, reply) => {
      // Answers hold secrets.
      reply.header('cache-control', 'no-store');
      if (isAdmin(request.headers.authorization)) return;
      reply.header('www-authenticate', 'Bearer');
      throw new AdminFailure('unauthorized', 'The header `Authorization: Bearer <admin token>` is missing or wrong.');
    });
    app.addHook('onRoute', (route) => {
      route.bodyLimit ??= requestMaxBytes;
    });
    // What operators type in place of an id: a database that keeps UUIDs as such refuses to look for it.
    app.addHook('onRequest', async (request) => {
      const params = request.params as Readonly<Record<string, string>>;
      for (const [name, unknown] of Object.entries(unknownIds)) {
        const id = params[name];
        if (id !== undefined && !isUuid(id)) throw unknown(id);
      }
    });
    app.setNotFoundHandler((request) => {
      throw new AdminFailure('unknown-route', `There is no ${request.method} here.`);
    });
    app.setErrorHandler((error, request, reply) => {
      const failure = error instanceof AdminFailure ? error : adminFailureOf(classifyFailure(error));
      if (failure.status >= 500) {
        deps.log.error('admin.failed', { method: request.method, route: request.routeOptions.url, error });
      }
      if (failure.code === 'unavailable') reply.header('retry-after', String(retryAfterSeconds));
      return reply.code(failure.status).send(failure.body);
    });
    instanceRoutes(app, deps);
    credentialsRoutes(app, deps);
    webhookRoutes(app, deps);
    messageRoutes(app, deps);
    recoveryRoutes(app, deps);
    operationRoutes(app, deps);
    pushOriginRoutes(app, deps);
  };

/** Fits credentials and custom data. */
const requestMaxBytes = 1024 * 1024;

/** By the names of the parameters of paths. */
const unknownIds = {
  instanceId: unknownInstance,
  webhookId: unknownWebhook,
  messageId: unknownMessage,
  replayId: unknownReplay,
};

const failures: Readonly<Record<HttpFailure, readonly [AdminFailureCode, string]>> = {
  'malformed-path': ['invalid-request', 'The path is not valid.'],
  'path-too-long': ['invalid-request', 'The path is too long.'],
  'too-many-headers': ['invalid-request', 'The request has too many header fields.'],
  'unknown-route': ['unknown-route', 'There is nothing here.'],
  'unsupported-content-type': ['unsupported-content-type', 'The body must be `application/json`.'],
  'body-too-large': ['body-too-large', 'The body is too large.'],
  'malformed-body': ['invalid-request', 'The body must be a JSON object.'],
  unavailable: ['unavailable', 'The store cannot take the work now; try again.'],
  'maybe-done': ['unavailable', 'The database was lost while this was being stored: it may have been stored, or not.'],
  unexpected: ['internal-error', 'Something went wrong; the log of the server says what.'],
};

const adminFailureOf = (failure: HttpFailure): AdminFailure => new AdminFailure(...failures[failure]);

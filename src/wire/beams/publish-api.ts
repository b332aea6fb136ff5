import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyPluginAsync } from 'fastify';
import type { AcceptPublishDeps } from '../../core/publish/accept-publish.ts';
import { acceptPublish } from '../../core/publish/accept-publish.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import { isSecretKey } from '../../core/instances/is-secret-key.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { DirectRoute, RequestHead } from '../http/direct-route.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, answerJson, refuse } from './beams-answer.ts';
import type { Decoded } from './decode-body.ts';
import { decodeBody } from './decode-body.ts';
import type { Instances } from './instance-access.ts';
import { bearerOf, instanceIdOf, requireSecretKey } from './instance-access.ts';
import type { RequestLimits } from './request-limits.ts';
import { limitPublishes } from './request-limits.ts';
import { interestsPublish, publishContent, usersPublish } from './publish-schema.ts';

export interface PublishApiDeps extends AcceptPublishDeps {
  readonly instances: Instances;
  readonly limits: RequestLimits;
  readonly clock: Clock;
  /** `webhookUrl` may be `http:`. */
  readonly allowHttpWebhooks: boolean;
}

/** Publish API: server to server, with the instance's secret key. */
export const publishApi =
  (deps: PublishApiDeps): FastifyPluginAsync =>
  async (app) => {
    // "Publish with a malformed instance id was recorded as 404 Instance not found".
    app.addHook('onRequest', requireSecretKey(deps, 'instance-not-found'));
    limitPublishes(app, deps.limits);

    // The same without waiting, for instances that are in memory.
    const admit: DirectRoute['admit'] = (request) => {
      const instance = deps.instances.peekInstance(request.instanceId);
      const mayPublish = instance && isSecretKey(instance, deps.clock(), bearerOf(request) ?? '');
      return mayPublish && deps.limits.publishes.take(instance.id) === null ? {} : null;
    };
    /** "Body at most 10 KiB" to interests, "at most 200 KiB" to users. */
    const addRoute = (url: string, bodyLimit: number, answer: DirectRoute['answer']): void => {
      const handler = answering((request) =>
        answer({ instanceId: instanceIdOf(request), headers: request.headers }, request.body),
      );
      app.post(url, { bodyLimit, config: { direct: { admit, answer } } }, handler);
    };

    const toInterests = interestsPublish(deps.allowHttpWebhooks);
    const publishToInterests: DirectRoute['answer'] = (request, body) =>
      publish(deps, request, body, decodeBody(toInterests, body), ({ interests }) => ({
        kind: 'interests',
        interests: [...new Set(interests)],
      }));
    const toUsers = usersPublish(deps.allowHttpWebhooks);
    const publishToUsers: DirectRoute['answer'] = (request, body) =>
      publish(deps, request, body, decodeBody(toUsers, body), ({ users }) => ({
        kind: 'users',
        users: [...new Set(users)],
      }));

    const publishes = '/publish_api/v1/instances/:instance/publishes';
    addRoute(`${publishes}/interests`, 10 * 1024, publishToInterests);
    // "… and `…/publishes` with the same body, which today's Ruby and Go clients use".
    addRoute(publishes, 10 * 1024, publishToInterests);
    addRoute(`${publishes}/users`, 200 * 1024, publishToUsers);
  };

async function publish<Body extends Parameters<typeof publishContent>[0]>(
  deps: PublishApiDeps,
  { instanceId, headers }: RequestHead,
  body: unknown,
  decoded: Decoded<Body>,
  targetOf: (body: Body) => PublishTarget,
): Promise<BeamsAnswer> {
  if ('refusal' in decoded) return decoded.refusal;
  const idempotencyKey = idempotencyKeyOf(headers);
  if (idempotencyKey === null) return refuse('malformed-idempotency-key');
  const { webhookUrl } = decoded.value;
  const target = targetOf(decoded.value);
  const requestBody = body as JsonObject;
  const { publishId, replayed } = await acceptPublish(deps, {
    instanceId,
    target,
    content: publishContent(decoded.value),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(webhookUrl !== undefined && {
      // Names of users are stored with the users only; what is rendered later fills them in again.
      webhook: { url: webhookUrl, requestBody: target.kind === 'users' ? { ...requestBody, users: [] } : requestBody },
    }),
  });
  // With a key that another API has used, the first result may be that nobody was reached.
  const answer =
    publishId === null ? refuse('idempotency-key-used') : answerJson({ publishId: formatPublishId(publishId) });
  return replayed ? { ...answer, headers: { 'idempotent-replayed': 'true' } } : answer;
}

/** Ours: a repeat of a request with the same key publishes nothing, and gets the first answer with a header that says so. */
function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  return typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key) ? key : null;
}

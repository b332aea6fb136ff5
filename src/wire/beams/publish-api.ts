import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AcceptPublishDeps } from '../../core/publish/accept-publish.ts';
import { acceptPublish } from '../../core/publish/accept-publish.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answerJson, refuse, sendAnswer } from './beams-answer.ts';
import type { Decoded } from './decode-body.ts';
import { decodeBody } from './decode-body.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, requireSecretKey } from './instance-access.ts';
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

    const toInterests = interestsPublish(deps.allowHttpWebhooks);
    const publishToInterests = answeringOnce((request) =>
      publish(deps, request, decodeBody(toInterests, request.body), ({ interests }) => ({
        kind: 'interests',
        interests: [...new Set(interests)],
      })),
    );
    const toUsers = usersPublish(deps.allowHttpWebhooks);
    const publishToUsers = answeringOnce((request) =>
      publish(deps, request, decodeBody(toUsers, request.body), ({ users }) => ({
        kind: 'users',
        users: [...new Set(users)],
      })),
    );

    const publishes = '/publish_api/v1/instances/:instance/publishes';
    // "Body at most 10 KiB" to interests, "at most 200 KiB" to users.
    app.post(`${publishes}/interests`, { bodyLimit: 10 * 1024 }, publishToInterests);
    // "… and `…/publishes` with the same body, which today's Ruby and Go clients use".
    app.post(publishes, { bodyLimit: 10 * 1024 }, publishToInterests);
    app.post(`${publishes}/users`, { bodyLimit: 200 * 1024 }, publishToUsers);
  };

async function publish<Body extends Parameters<typeof publishContent>[0]>(
  deps: PublishApiDeps,
  request: FastifyRequest,
  decoded: Decoded<Body>,
  targetOf: (body: Body) => PublishTarget,
): Promise<{ readonly answer: BeamsAnswer; readonly replayed: boolean }> {
  if ('refusal' in decoded) return { answer: decoded.refusal, replayed: false };
  const idempotencyKey = idempotencyKeyOf(request);
  if (idempotencyKey === null) return { answer: refuse('malformed-idempotency-key'), replayed: false };
  const { webhookUrl } = decoded.value;
  const target = targetOf(decoded.value);
  const requestBody = request.body as JsonObject;
  const { publishId, replayed } = await acceptPublish(deps, {
    instanceId: instanceIdOf(request),
    target,
    content: publishContent(decoded.value),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(webhookUrl !== undefined && {
      // Names of users are stored with the users only; what is rendered later fills them in again.
      webhook: { url: webhookUrl, requestBody: target.kind === 'users' ? { ...requestBody, users: [] } : requestBody },
    }),
  });
  // With a key that another API has used, the first result may be that nobody was reached.
  if (publishId === null) return { answer: refuse('idempotency-key-used'), replayed };
  return { answer: answerJson({ publishId: formatPublishId(publishId) }), replayed };
}

/** Ours: a repeat of a request with the same key publishes nothing, and gets the first answer with a header that says so. */
function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  return typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key) ? key : null;
}

const answeringOnce =
  (handler: (request: FastifyRequest) => ReturnType<typeof publish>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { answer, replayed } = await handler(request);
    if (replayed) reply.header('idempotent-replayed', 'true');
    return sendAnswer(reply, answer);
  };

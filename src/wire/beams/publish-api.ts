import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { AcceptPublishDeps } from '../../core/publish/accept-publish.ts';
import { acceptPublish } from '../../core/publish/accept-publish.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { PublishTarget } from '../../core/ports/publish-store.ts';
import { formatPublishId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, answerJson } from './beams-answer.ts';
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
    const publishToInterests = answering((request) =>
      publish(deps, request, decodeBody(toInterests, request.body), ({ interests }) => ({
        kind: 'interests',
        interests: [...new Set(interests)],
      })),
    );
    const toUsers = usersPublish(deps.allowHttpWebhooks);
    const publishToUsers = answering((request) =>
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
): Promise<BeamsAnswer> {
  if ('refusal' in decoded) return decoded.refusal;
  const { webhookUrl } = decoded.value;
  const target = targetOf(decoded.value);
  const requestBody = request.body as JsonObject;
  const { publishId } = await acceptPublish(deps, {
    instanceId: instanceIdOf(request),
    target,
    content: publishContent(decoded.value),
    ...(webhookUrl !== undefined && {
      // Names of users are stored with the users only; what is rendered later fills them in again.
      webhook: { url: webhookUrl, requestBody: target.kind === 'users' ? { ...requestBody, users: [] } : requestBody },
    }),
  });
  return answerJson({ publishId: formatPublishId(publishId) });
}

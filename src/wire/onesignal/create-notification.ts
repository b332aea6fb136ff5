import type { FastifyRequest } from 'fastify';
import type { AcceptPublishDeps } from '../../core/publish/accept-publish.ts';
import { acceptPublish } from '../../core/publish/accept-publish.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../http/json-body.ts';
import type { RateLimiter } from '../http/rate-limiter.ts';
import type { AppAccessDeps } from './app-access.ts';
import { openApp } from './app-access.ts';
import { readContent } from './notification-content.ts';
import { describeIssue, notificationRequest } from './notification-schema.ts';
import { readTarget } from './notification-target.ts';
import type { OneSignalAnswer } from './onesignal-answer.ts';
import { answerJson, refuse } from './onesignal-answer.ts';

/** "nobody reachable: **200** …" */
const nobodyReached = { id: '', errors: ['All included players are not subscribed'] };
/** Names of users are stored with the users only, where erasing them finds them. */
const namesOfUsers = ['include_aliases', 'include_external_user_ids'];

export interface CreateNotificationDeps extends AppAccessDeps, AcceptPublishDeps {
  readonly limits: { readonly publishes: Pick<RateLimiter, 'take'> };
}

/** `POST /notifications` */
export async function createNotification(
  deps: CreateNotificationDeps,
  request: FastifyRequest,
): Promise<OneSignalAnswer> {
  if (!isJsonObject(request.body)) return refuse(400, 'The request body must be a JSON object');
  // Clients send null for what they leave out.
  const given = withoutNulls(request.body);
  const app = await openApp(deps, request, given['app_id']);
  if ('refusal' in app) return app.refusal;
  const waitMs = deps.limits.publishes.take(app.instance.id);
  if (waitMs !== null) {
    const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) };
    return { ...refuse(429, 'API rate limit exceeded'), headers };
  }
  const parsed = notificationRequest(deps.clock).safeParse(given);
  if (!parsed.success) return refuse(400, describeIssue(parsed.error));
  const wanted = readTarget(parsed.data);
  if ('mistake' in wanted) return refuse(400, wanted.mistake);
  const content = readContent(parsed.data);
  if ('mistake' in content) return refuse(400, content.mistake);
  if (!wanted.target) return answerJson(nobodyReached);
  const { send_after: sendAfter, idempotency_key: idempotencyKey } = parsed.data;
  const { publishId, unreached, replayed } = await acceptPublish(deps, {
    instanceId: app.instance.id,
    target: wanted.target,
    content: { web: content },
    request: requestToShow(given),
    ...(sendAfter !== undefined && { sendAfter }),
    ...(idempotencyKey !== undefined && { idempotencyKey: idempotencyKey.toLowerCase() }),
  });
  // "the first result is returned again for 30 days, with header `Idempotent-Replayed: true`"
  const headers: Record<string, string> = replayed ? { 'idempotent-replayed': 'true' } : {};
  if (publishId === null) return answerJson(nobodyReached, headers);
  const errors = wanted.unreachedErrors(unreached);
  return answerJson({ id: publishId, external_id: null, ...(errors && { errors }) }, headers);
}

const withoutNulls = (body: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));

const requestToShow = (given: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(given).filter(([key]) => !namesOfUsers.includes(key)));

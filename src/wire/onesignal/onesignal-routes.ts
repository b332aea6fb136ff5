import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Sealer } from '../../core/ports/sealer.ts';
import type { PublishQueries } from '../../core/ports/publish-store.ts';
import type { CancelPublishDeps } from '../../core/publish/cancel-publish.ts';
import { cancelPublish } from '../../core/publish/cancel-publish.ts';
import { openPublishBody } from '../../core/publish/publish-body.ts';
import { isUuid } from '../../protocol/ids.ts';
import { openApp } from './app-access.ts';
import type { CreateNotificationDeps } from './create-notification.ts';
import { createNotification } from './create-notification.ts';
import type { OneSignalAnswer } from './onesignal-answer.ts';
import { answerFailures, answering, answerJson, refuse } from './onesignal-answer.ts';
import { renderNotification } from './render-notification.ts';

/** What the routes of the OneSignal wire need, together. */
export interface OneSignalDeps extends CreateNotificationDeps, CancelPublishDeps {
  readonly store: CreateNotificationDeps['store'] &
    CancelPublishDeps['store'] &
    Pick<PublishQueries, 'viewPublish' | 'listPublishes'>;
  readonly sealer: Sealer;
}

/** Fits 2,000 ids and a push. */
const requestMaxBytes = 256 * 1024;
const notFound = refuse(404, 'Notification not found');
/** "limit≤50" */
const maxPageSize = 50;
/** All that is sent through an API; of the other kinds (dashboard, automatic) there are none. */
const apiKind = '1';

/** OneSignal's REST API for servers that send: "Base path both `/` and `/api/v1`". */
export const oneSignalRoutes =
  (deps: OneSignalDeps): FastifyPluginAsync =>
  async (app) => {
    answerFailures(app, deps.log);
    for (const base of ['', '/api/v1']) {
      app.post(
        `${base}/notifications`,
        { bodyLimit: requestMaxBytes },
        answering((request) => createNotification(deps, request)),
      );
      app.get(
        `${base}/notifications`,
        answering((request) => listNotifications(deps, request)),
      );
      app.get(
        `${base}/notifications/:id`,
        answering((request) => viewNotification(deps, request)),
      );
      app.delete(
        `${base}/notifications/:id`,
        answering((request) => cancelNotification(deps, request)),
      );
    }
  };

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;
const queryOf = (request: FastifyRequest): Query => request.query as Query;
const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id.toLowerCase();

async function viewNotification(deps: OneSignalDeps, request: FastifyRequest): Promise<OneSignalAnswer> {
  const app = await openApp(deps, request, queryOf(request)['app_id']);
  if ('refusal' in app) return app.refusal;
  const publishId = idOf(request);
  if (!isUuid(publishId)) return notFound;
  const instanceId = app.instance.id;
  const view = await deps.store.viewPublish({ instanceId, publishId, countRemainingUpTo: 10_000 });
  return view ? answerJson(renderNotification(view, openPublishBody(deps.sealer, view, view.body))) : notFound;
}

async function listNotifications(deps: OneSignalDeps, request: FastifyRequest): Promise<OneSignalAnswer> {
  const query = queryOf(request);
  const app = await openApp(deps, request, query['app_id']);
  if ('refusal' in app) return app.refusal;
  const limit = numberOf(query['limit'], maxPageSize);
  const offset = numberOf(query['offset'], 0);
  if (limit === null || offset === null) return refuse(400, 'limit and offset must be whole numbers, 0 or more');
  const kind = query['kind'] || apiKind;
  const page = { instanceId: app.instance.id, limit: Math.min(limit, maxPageSize), offset, countRemainingUpTo: 1_000 };
  const { total, publishes } = kind === apiKind ? await deps.store.listPublishes(page) : { total: 0, publishes: [] };
  return answerJson({
    total_count: total,
    offset,
    limit: page.limit,
    notifications: publishes.map((view) => renderNotification(view, openPublishBody(deps.sealer, view, view.body))),
  });
}

function numberOf(text: Query[string], byDefault: number): number | null {
  if (text === undefined || text === '') return byDefault;
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

async function cancelNotification(deps: OneSignalDeps, request: FastifyRequest): Promise<OneSignalAnswer> {
  const app = await openApp(deps, request, queryOf(request)['app_id']);
  if ('refusal' in app) return app.refusal;
  const publishId = idOf(request);
  if (!isUuid(publishId)) return notFound;
  switch (await cancelPublish(deps, { instanceId: app.instance.id, publishId })) {
    case 'canceled':
      return answerJson({ success: true });
    case 'finished':
      return refuse(400, 'Notification has already been sent to all recipients');
    case 'unknown-publish':
      return notFound;
  }
}

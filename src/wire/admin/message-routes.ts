import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { MessageQueries, MessageState } from '../../core/ports/message-store.ts';
import type { PublishQueries } from '../../core/ports/publish-store.ts';
import type { ReportQueries } from '../../core/ports/report-store.ts';
import type { ExplainDeps } from '../../core/webhooks/explain-message.ts';
import { explain } from '../../core/webhooks/explain-message.ts';
import type { ShowAttemptsDeps } from '../../core/webhooks/show-attempts.ts';
import { showAttempts } from '../../core/webhooks/show-attempts.ts';
import { eventTypes, publishWebhookTypes } from '../../protocol/event-types.ts';
import { parsePublishId } from '../../protocol/ids.ts';
import { AdminFailure, unknownInstance, unknownMessage } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';
import { pageSize, publishId, time, uuid } from './query-fields.ts';
import { renderAttempt, renderIgnoredReports, renderMessage, renderMessageDetail, renderPublish } from './render.ts';

export interface MessageRoutesDeps extends ExplainDeps, Omit<ShowAttemptsDeps, 'store' | 'instances'> {
  readonly store: MessageQueries & ReportQueries & Pick<PublishQueries, 'summarizePublish'>;
  readonly instances: InstanceDirectory;
}

const maxPageSize = 200;
const ignoredReportsDays = 30;
const messageStates = [
  'waiting',
  'held',
  'delivered',
  'exhausted',
  'dropped',
] as const satisfies readonly MessageState[];

const messageSearch = z.strictObject({
  webhookId: uuid.exactOptional(),
  publishId: publishId.exactOptional(),
  eventType: z.enum([...eventTypes, ...publishWebhookTypes]).exactOptional(),
  eventId: uuid.exactOptional(),
  user: z.string().exactOptional(),
  state: z.enum(messageStates).exactOptional(),
  status: z
    .string()
    .regex(/^[1-5]\d\d$/, 'must be a status like 500')
    .transform(Number)
    .exactOptional(),
  since: time.exactOptional(),
  until: time.exactOptional(),
  before: uuid.exactOptional(),
  limit: pageSize(maxPageSize).default(50),
});

type OneMessage = { Params: { instanceId: string; messageId: string } };

/** Reads for people: what became of publishes and of webhooks' messages. */
export function messageRoutes(app: FastifyInstance, deps: MessageRoutesDeps): void {
  app.get<{ Params: { instanceId: string } }>('/instances/:instanceId/messages', async ({ params, query }) => {
    const { instanceId } = params;
    const search = parseInput(messageSearch, query);
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const { messages, next } = await deps.store.listMessages({ instanceId, ...search });
    const rendered = messages.map(async (message) => renderMessage(message, await explain(deps, message, false)));
    return { messages: await Promise.all(rendered), next };
  });

  app.get<OneMessage>('/instances/:instanceId/messages/:messageId', async ({ params: { instanceId, messageId } }) => {
    const message = await deps.store.findMessage({ instanceId, messageId });
    if (!message) throw unknownMessage(messageId);
    return renderMessageDetail(message, await explain(deps, message, true));
  });

  app.get<OneMessage>(
    '/instances/:instanceId/messages/:messageId/attempts',
    async ({ params: { instanceId, messageId } }) => {
      const attempts = await showAttempts(deps, { instanceId, messageId });
      if (!attempts) throw unknownMessage(messageId);
      return { attempts: attempts.map(renderAttempt) };
    },
  );

  // Reports that were answered but belong to no device or publish: many of them mean lost data, or somebody guessing.
  app.get<{ Params: { instanceId: string } }>('/instances/:instanceId/ignored-reports', async ({ params }) => {
    const { instanceId } = params;
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const ignored = await deps.store.listIgnoredReports(instanceId, ignoredReportsDays);
    return { ignoredReports: ignored.map(renderIgnoredReports) };
  });

  app.get<{ Params: { instanceId: string; publishId: string } }>(
    '/instances/:instanceId/publishes/:publishId',
    async ({ params }) => {
      const id = parsePublishId(params.publishId);
      const summary = id && (await deps.store.summarizePublish({ instanceId: params.instanceId, publishId: id }));
      if (!summary) throw new AdminFailure('unknown-publish', `The instance has no publish ${params.publishId}.`);
      return renderPublish(summary);
    },
  );
}

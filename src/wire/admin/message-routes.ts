import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { MessageQueries } from '../../core/ports/message-store.ts';
import type { PublishQueries } from '../../core/ports/publish-store.ts';
import type { ReportQueries } from '../../core/ports/report-store.ts';
import { isUuid, parsePublishId } from '../../protocol/ids.ts';
import { AdminFailure, unknownInstance } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';
import { renderAttempt, renderIgnoredReports, renderMessage, renderPublish } from './render.ts';

export interface MessageRoutesDeps {
  readonly store: MessageQueries & ReportQueries & Pick<PublishQueries, 'summarizePublish'>;
  readonly instances: InstanceDirectory;
}

const maxPageSize = 200;
const ignoredReportsDays = 30;

const uuid = z.string().refine(isUuid, 'must be a UUID in lower case');
const publishId = z.string().transform((text, context) => {
  const id = parsePublishId(text);
  if (id === null) context.addIssue({ code: 'custom', message: 'must be a publish id like "pubid-<uuid>"' });
  return id ?? z.NEVER;
});
const pageSize = `must be a whole number from 1 to ${maxPageSize}`;
const messagePage = z.strictObject({
  webhookId: uuid.exactOptional(),
  publishId: publishId.exactOptional(),
  before: uuid.exactOptional(),
  limit: z.coerce
    .number({ error: pageSize })
    .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= maxPageSize, pageSize)
    .default(50),
});

/** Reads for people: what became of publishes and of webhooks' messages. */
export function messageRoutes(app: FastifyInstance, deps: MessageRoutesDeps): void {
  app.get<{ Params: { instanceId: string } }>('/instances/:instanceId/messages', async ({ params, query }) => {
    const { instanceId } = params;
    const page = parseInput(messagePage, query);
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const messages = await deps.store.listMessages({ instanceId, ...page });
    // The `before` of the next page.
    const next = messages.length === page.limit ? (messages.at(-1)?.messageId ?? null) : null;
    return { messages: messages.map(renderMessage), next };
  });

  app.get<{ Params: { instanceId: string; messageId: string } }>(
    '/instances/:instanceId/messages/:messageId/attempts',
    async ({ params: { instanceId, messageId } }) => {
      parseInput(z.object({ messageId: uuid }), { messageId });
      const attempts = await deps.store.listAttempts({ instanceId, messageId });
      if (!attempts) throw new AdminFailure('unknown-message', `The instance has no message ${messageId}.`);
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

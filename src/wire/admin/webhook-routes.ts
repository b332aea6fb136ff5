import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CreateWebhookDeps } from '../../core/instances/create-webhook.ts';
import { createWebhook } from '../../core/instances/create-webhook.ts';
import type { DeleteWebhookDeps } from '../../core/instances/delete-webhook.ts';
import { deleteWebhook } from '../../core/instances/delete-webhook.ts';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { RotateWebhookSecretDeps } from '../../core/instances/rotate-webhook-secret.ts';
import { retireWebhookSecret, rotateWebhookSecret } from '../../core/instances/rotate-webhook-secret.ts';
import { openWebhook } from '../../core/instances/sealed-records.ts';
import type { UpdateWebhookDeps } from '../../core/instances/update-webhook.ts';
import { updateWebhook } from '../../core/instances/update-webhook.ts';
import type { InstanceQueries } from '../../core/ports/instance-store.ts';
import type { MessageQueries } from '../../core/ports/message-store.ts';
import { eventTypes } from '../../protocol/event-types.ts';
import { webhookFormats, webhookRetryPolicies, webhookSignings } from '../../protocol/webhook-body.ts';
import { AdminFailure, invalidField, unknownInstance, unknownWebhook } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';
import { renderHealth, renderWebhook, renderWebhookWithSecret } from './render.ts';

export interface WebhookRoutesDeps
  extends CreateWebhookDeps, UpdateWebhookDeps, DeleteWebhookDeps, RotateWebhookSecretDeps {
  readonly store: CreateWebhookDeps['store'] &
    UpdateWebhookDeps['store'] &
    DeleteWebhookDeps['store'] &
    Pick<InstanceQueries, 'listWebhooks'> &
    Pick<MessageQueries, 'findWebhookHealth'>;
  readonly instances: InstanceDirectory;
}

const options = z.strictObject({
  signing: z.enum(webhookSignings).exactOptional(),
  retryPolicy: z.enum(webhookRetryPolicies).exactOptional(),
  maxInFlight: z.number().exactOptional(),
  maxPerSecond: z.number().nullable().exactOptional(),
  filter: z
    .strictObject({ interests: z.array(z.string()).exactOptional(), userPrefix: z.string().exactOptional() })
    .exactOptional(),
  batch: z.strictObject({ maxEvents: z.number(), maxWaitMs: z.number() }).nullable().exactOptional(),
});
const fields = z.strictObject({
  url: z.string(),
  events: z.array(z.enum(eventTypes)),
  secret: z.string().exactOptional(),
  customData: z.record(z.string(), z.json()).exactOptional(),
  headers: z.record(z.string(), z.string()).exactOptional(),
  options: options.exactOptional(),
});
const newWebhook = fields.extend({ format: z.enum(webhookFormats).exactOptional() });
// No format: what waits was meant for a receiver of the old one.
const webhookChanges = fields
  .extend({ url: z.string().exactOptional(), events: fields.shape.events.exactOptional() })
  .extend({ disabled: z.boolean().exactOptional() });

const secretRotation = z.strictObject({
  secret: z.string().exactOptional(),
  overlapSeconds: z.number().exactOptional(),
});

type OfInstance = { Params: { instanceId: string } };
type OneWebhook = { Params: { instanceId: string; webhookId: string } };

export function webhookRoutes(app: FastifyInstance, deps: WebhookRoutesDeps): void {
  app.post<OfInstance>('/instances/:instanceId/webhooks', async ({ params: { instanceId }, body }, reply) => {
    const result = await createWebhook(deps, instanceId, parseInput(newWebhook, body));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'unknown-instance') throw unknownInstance(instanceId);
    return reply.code(201).send(renderWebhookWithSecret(result.webhook));
  });

  app.get<OfInstance>('/instances/:instanceId/webhooks', async ({ params: { instanceId } }) => {
    if (!(await deps.instances.findInstance(instanceId))) throw unknownInstance(instanceId);
    const records = await deps.store.listWebhooks(instanceId);
    return { webhooks: records.map((record) => renderWebhook(openWebhook(deps.sealer, record))) };
  });

  app.get<OneWebhook>('/instances/:instanceId/webhooks/:webhookId', async ({ params: { instanceId, webhookId } }) => {
    const webhook = await deps.instances.findWebhook(instanceId, webhookId);
    if (!webhook) throw unknownWebhook(webhookId);
    const health = await deps.store.findWebhookHealth(instanceId, webhookId);
    return { ...renderWebhookWithSecret(webhook), ...renderHealth(health) };
  });

  app.patch<OneWebhook>('/instances/:instanceId/webhooks/:webhookId', async ({ params, body }) => {
    const { instanceId, webhookId } = params;
    const result = await updateWebhook(deps, instanceId, webhookId, parseInput(webhookChanges, body));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'unknown-webhook') throw unknownWebhook(webhookId);
    return renderWebhookWithSecret(result.webhook);
  });

  app.post<OneWebhook>('/instances/:instanceId/webhooks/:webhookId/rotate-secret', async ({ params, body }) => {
    const { instanceId, webhookId } = params;
    const result = await rotateWebhookSecret(deps, instanceId, webhookId, parseInput(secretRotation, body ?? {}));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'unknown-webhook') throw unknownWebhook(webhookId);
    if (result.kind === 'overlap') {
      const until = new Date(result.endsAt).toISOString();
      throw new AdminFailure(
        'rotation-under-way',
        `The previous secret signs until ${until}: end that first (pharos webhook retire-secret, DELETE …/previous-secret).`,
      );
    }
    return renderWebhookWithSecret(result.webhook);
  });

  app.delete<OneWebhook>('/instances/:instanceId/webhooks/:webhookId/previous-secret', async ({ params }, reply) => {
    const { instanceId, webhookId } = params;
    const result = await retireWebhookSecret(deps, instanceId, webhookId);
    if (result.kind === 'unknown-webhook') throw unknownWebhook(webhookId);
    return reply.code(204).send();
  });

  app.delete<OneWebhook>('/instances/:instanceId/webhooks/:webhookId', async ({ params }, reply) => {
    const { instanceId, webhookId } = params;
    if ((await deleteWebhook(deps, instanceId, webhookId)) !== 'deleted') throw unknownWebhook(webhookId);
    return reply.code(204).send();
  });
}

import type { FastifyPluginAsync } from 'fastify';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import { clientKey } from '../http/client-key.ts';
import type { RateLimiter } from '../http/rate-limiter.ts';

export interface WebhookKeyDeps {
  readonly instances: Pick<InstanceDirectory, 'findInstance' | 'listWebhookKeys'>;
  /** By client address. */
  readonly limits: { readonly devices: Pick<RateLimiter, 'take'> };
}

/**
 * The public keys that check the `v1a` signatures of an instance's webhooks, for anybody: `{"keys": [{"webhookId",
 * "publicKey"}]}`. Of webhooks that sign otherwise nothing is told, and of none where it sends.
 */
export const webhookKeyRoutes =
  ({ instances, limits }: WebhookKeyDeps): FastifyPluginAsync =>
  async (app) => {
    app.get<{ Params: { instanceId: string } }>(
      '/.well-known/pharos/webhook-keys/:instanceId',
      async (request, reply) => {
        const waitMs = limits.devices.take(clientKey(request));
        if (waitMs !== null) {
          reply.header('retry-after', Math.ceil(waitMs / 1_000));
          return reply.code(429).send({ error: 'Rate limited', description: 'Too many requests from this address' });
        }
        const { instanceId } = request.params;
        if (!(await instances.findInstance(instanceId))) {
          return reply.code(404).send({ error: 'Not Found', description: 'There is no such instance' });
        }
        return reply
          .header('cache-control', 'public, max-age=300')
          .send({ keys: await instances.listWebhookKeys(instanceId) });
      },
    );
  };

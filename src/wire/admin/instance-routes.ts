import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CreateInstanceDeps } from '../../core/instances/create-instance.ts';
import { createInstance } from '../../core/instances/create-instance.ts';
import type { RotateSecretKeyDeps } from '../../core/instances/rotate-secret-key.ts';
import { retireSecretKey, rotateSecretKey } from '../../core/instances/rotate-secret-key.ts';
import type { UpdateInstanceDeps } from '../../core/instances/update-instance.ts';
import { updateInstance } from '../../core/instances/update-instance.ts';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import type { InstanceQueries } from '../../core/ports/instance-store.ts';
import { AdminFailure, invalidField, unknownInstance } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';
import { pageSize, uuid } from './query-fields.ts';
import { renderInstance, renderInstanceWithKey } from './render.ts';

export interface InstanceRoutesDeps extends CreateInstanceDeps, UpdateInstanceDeps, RotateSecretKeyDeps {
  readonly store: CreateInstanceDeps['store'] &
    UpdateInstanceDeps['store'] &
    RotateSecretKeyDeps['store'] &
    Pick<InstanceQueries, 'listInstances'>;
  readonly instances: InstanceDirectory;
}

const newInstance = z.strictObject({
  name: z.string(),
  id: z.string().exactOptional(),
  secretKey: z.string().exactOptional(),
});
const instanceChanges = z.strictObject({
  name: z.string().exactOptional(),
  allowedOrigins: z.array(z.string()).nullable().exactOptional(),
  feed: z.boolean().exactOptional(),
});

const instancePage = z.strictObject({ after: uuid.nullable().default(null), limit: pageSize(200).default(200) });

const secretKeyRotation = z.strictObject({
  secretKey: z.string().exactOptional(),
  overlapSeconds: z.number().exactOptional(),
});

type OneInstance = { Params: { instanceId: string } };

export function instanceRoutes(app: FastifyInstance, deps: InstanceRoutesDeps): void {
  app.post('/instances', async (request, reply) => {
    const result = await createInstance(deps, parseInput(newInstance, request.body));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'exists')
      throw new AdminFailure('instance-exists', 'There is an instance with this id already.');
    return reply.code(201).send(renderInstanceWithKey(result.instance));
  });

  app.get('/instances', async ({ query }) => {
    const { after, limit } = parseInput(instancePage, query);
    const found = await deps.store.listInstances({ after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const instances = page.map((instance) => renderInstance(instance, instance.vapidPublicKey));
    return { instances, next: found.length > limit ? page.at(-1)?.id : null };
  });

  app.get<OneInstance>('/instances/:instanceId', async ({ params: { instanceId } }) => {
    const instance = await deps.instances.findInstance(instanceId);
    if (!instance) throw unknownInstance(instanceId);
    return renderInstanceWithKey(instance);
  });

  app.patch<OneInstance>('/instances/:instanceId', async ({ params: { instanceId }, body }) => {
    const result = await updateInstance(deps, instanceId, parseInput(instanceChanges, body));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'unknown-instance') throw unknownInstance(instanceId);
    return renderInstanceWithKey(result.instance);
  });

  app.post<OneInstance>('/instances/:instanceId/secret-key', async ({ params: { instanceId }, body }) => {
    const result = await rotateSecretKey(deps, instanceId, parseInput(secretKeyRotation, body ?? {}));
    if (result.kind === 'invalid') throw invalidField(result.field, result.expected);
    if (result.kind === 'unknown-instance') throw unknownInstance(instanceId);
    if (result.kind === 'overlap') {
      const until = new Date(result.endsAt).toISOString();
      throw new AdminFailure(
        'rotation-under-way',
        `The previous secret key works until ${until}: end that first (pharos instance retire-key, DELETE …/previous-secret-key).`,
      );
    }
    return renderInstanceWithKey(result.instance);
  });

  app.delete<OneInstance>('/instances/:instanceId/previous-secret-key', async ({ params: { instanceId } }, reply) => {
    const result = await retireSecretKey(deps, instanceId);
    if (result.kind === 'unknown-instance') throw unknownInstance(instanceId);
    return reply.code(204).send();
  });
}

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../core/ports/clock.ts';
import type { InstanceDirectory } from '../../core/instances/instance.ts';
import { isSecretKey } from '../../core/instances/is-secret-key.ts';
import { isUuid } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { refuse, sendAnswer } from './beams-answer.ts';
import type { BeamsErrorCode } from './beams-errors.ts';

export type Instances = Pick<InstanceDirectory, 'findInstance' | 'peekInstance'>;

/** The `{instance}` of the path. */
export const instanceIdOf = (request: FastifyRequest): string =>
  (request.params as { readonly instance: string }).instance;

/** What is wrong with the `{instance}` of the path, if anything: the device and reporting APIs' view of it. */
export function instanceIdRefusal(instanceId: string): BeamsAnswer | null {
  if (instanceId === '') return refuse('instance-id-missing');
  return isUuid(instanceId) ? null : refuse('malformed-instance-id');
}

/** The credential of an `Authorization: Bearer …` header, or null. */
export const bearerOf = ({ headers }: { readonly headers: IncomingHttpHeaders }): string | null =>
  /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;

interface SecretKeyDeps {
  readonly instances: Instances;
  readonly clock: Clock;
}

/** Lets only the instance's own servers pass: a hook for before the body is read. */
export const requireSecretKey =
  (deps: SecretKeyDeps, malformedInstanceId: BeamsErrorCode) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const refusal = await secretKeyRefusal(deps, malformedInstanceId, request);
    return refusal ? sendAnswer(reply, refusal) : undefined;
  };

async function secretKeyRefusal(
  { instances, clock }: SecretKeyDeps,
  malformedInstanceId: BeamsErrorCode,
  request: FastifyRequest,
): Promise<BeamsAnswer | null> {
  const instanceId = instanceIdOf(request);
  if (instanceId === '') return refuse('instance-id-missing');
  if (!isUuid(instanceId)) return refuse(malformedInstanceId);
  const instance = await instances.findInstance(instanceId);
  if (!instance) return refuse('instance-not-found');
  if (!request.headers.authorization) return refuse('authorization-missing');
  return isSecretKey(instance, clock(), bearerOf(request) ?? '') ? null : refuse('wrong-secret-key');
}

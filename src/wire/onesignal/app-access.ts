import type { FastifyRequest } from 'fastify';
import type { Instance, InstanceDirectory } from '../../core/instances/instance.ts';
import { isSecretKey } from '../../core/instances/is-secret-key.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { isUuid } from '../../protocol/ids.ts';
import type { OneSignalAnswer } from './onesignal-answer.ts';
import { refuse } from './onesignal-answer.ts';

export interface AppAccessDeps {
  readonly instances: Pick<InstanceDirectory, 'findInstance'>;
  readonly clock: Clock;
}

/** "`Authorization: Key <k>`, `Bearer <k>` or `Basic <k>`, scheme case-insensitive; the key is the instance's secret key." */
const credential = /^(?:key|bearer|basic) +(\S+) *$/i;

const accessDenied = refuse(
  403,
  "Access denied.  Please include an 'Authorization: ...' header with a valid API key (the secret key of the instance).",
);

/** The instance that `app_id` names, if the request has its key; else what to answer. Unknown ones look like wrong keys. */
export async function openApp(
  { instances, clock }: AppAccessDeps,
  request: FastifyRequest,
  appId: unknown,
): Promise<{ readonly instance: Instance } | { readonly refusal: OneSignalAnswer }> {
  if (typeof appId !== 'string' || appId === '') return { refusal: refuse(400, 'app_id is required') };
  const id = appId.toLowerCase();
  const instance = isUuid(id) ? await instances.findInstance(id) : null;
  const key = credential.exec(request.headers.authorization ?? '')?.[1];
  if (!instance || key === undefined || !isSecretKey(instance, clock(), key)) return { refusal: accessDenied };
  return { instance };
}

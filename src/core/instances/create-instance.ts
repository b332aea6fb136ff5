import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { IdSource } from '../ports/id-source.ts';
import type { InstanceCommands } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import { checkInstanceId, checkName, checkSecretKey } from './instance-rules.ts';
import type { Instance } from './instance.ts';
import { firstInvalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';
import { generateSecretKey } from './rotate-secret-key.ts';
import { sealInstance } from './sealed-records.ts';
import { generateVapidKeys } from './vapid-keys.ts';

export interface CreateInstanceDeps {
  readonly store: Pick<InstanceCommands, 'createInstances'>;
  readonly sealer: Sealer;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly log: Log;
}

export interface NewInstance {
  readonly name: string;
  /** Those who move from Beams keep their id and secret key; by default both are new. */
  readonly id?: string;
  readonly secretKey?: string;
}

/** Makes an instance with a VAPID key pair of its own. Pages of any origin may use it. */
export async function createInstance(
  deps: CreateInstanceDeps,
  input: NewInstance,
): Promise<{ readonly kind: 'created'; readonly instance: Instance } | { readonly kind: 'exists' } | InvalidField> {
  const instance: Instance = {
    id: input.id?.toLowerCase() ?? deps.ids.random(),
    name: input.name,
    createdAt: deps.clock(),
    secretKey: input.secretKey ?? generateSecretKey(),
    previousSecretKey: null,
    vapid: await generateVapidKeys(),
    allowedOrigins: null,
    feed: false,
  };
  const mistake = firstInvalid([
    checkName(instance.name),
    checkInstanceId(instance.id),
    checkSecretKey(instance.secretKey),
  ]);
  if (mistake) return mistake;
  if ((await runOne(deps.store.createInstances, sealInstance(deps.sealer, instance))) === 'exists') {
    return { kind: 'exists' };
  }
  deps.log.info('instance.created', { instanceId: instance.id });
  return { kind: 'created', instance };
}

import { randomBytes } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import { runOne } from '../ports/command.ts';
import type { InstanceCommands, InstanceQueries } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import { checkOverlap, checkSecretKey } from './instance-rules.ts';
import type { Instance } from './instance.ts';
import { firstInvalid, invalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';
import { openInstance, sealInstance } from './sealed-records.ts';

export interface RotateSecretKeyDeps {
  readonly store: Pick<InstanceCommands, 'replaceSecretKeys'> & Pick<InstanceQueries, 'findInstance'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Log;
  /** What was remembered of the instance is out of date. */
  readonly forgetInstance: (id: string) => void;
}

export interface SecretKeyRotation {
  /** Random when it is left out. */
  readonly secretKey?: string;
  /** How long the present key keeps working; 0: it ends at once. By default a day: user tokens usually live that long. */
  readonly overlapSeconds?: number;
}

const defaultOverlapSeconds = 86_400;

export const generateSecretKey = (): string => randomBytes(32).toString('hex').toUpperCase();

/**
 * Gives an instance a new secret key, which works at once. The one before keeps working until the overlap ends, so that
 * servers can change over one by one. `overlap`: one is running already, and there are never three keys.
 */
export async function rotateSecretKey(
  deps: RotateSecretKeyDeps,
  id: string,
  { secretKey = generateSecretKey(), overlapSeconds = defaultOverlapSeconds }: SecretKeyRotation,
): Promise<Changed | Refused> {
  const mistake = firstInvalid([checkSecretKey(secretKey), checkOverlap(overlapSeconds)]);
  if (mistake) return mistake;
  return changeKeys<Refused>(deps, id, 'instance.secret-key-rotated', (instance) => {
    const now = deps.clock();
    const { previousSecretKey: previous } = instance;
    if (previous && now < previous.endsAt) return { kind: 'overlap', endsAt: previous.endsAt };
    if (secretKey === instance.secretKey) return invalid('secretKey', 'another one than the present secret key');
    const endsAt = now + overlapSeconds * 1_000;
    return { secretKey, previousSecretKey: overlapSeconds === 0 ? null : { key: instance.secretKey, endsAt } };
  });
}

/** Ends an overlap early: the previous secret key works no more. Changes nothing when none is running. */
export const retireSecretKey = (deps: RotateSecretKeyDeps, id: string): Promise<Changed> =>
  changeKeys<never>(deps, id, 'instance.secret-key-retired', ({ secretKey }) => ({
    secretKey,
    previousSecretKey: null,
  }));

type Changed = { readonly kind: 'changed'; readonly instance: Instance } | { readonly kind: 'unknown-instance' };
type Refused = { readonly kind: 'overlap'; readonly endsAt: number } | InvalidField;
type Keys = Pick<Instance, 'secretKey' | 'previousSecretKey'>;

/** Decides on the keys as they are, and again when somebody else has changed them meanwhile. */
async function changeKeys<Refusal extends { readonly kind: string }>(
  deps: RotateSecretKeyDeps,
  id: string,
  event: string,
  decide: (instance: Instance) => Keys | Refusal,
): Promise<Changed | Refusal> {
  for (;;) {
    const record = await deps.store.findInstance(id);
    if (!record) return { kind: 'unknown-instance' };
    const instance = openInstance(deps.sealer, record);
    const decided = decide(instance);
    if ('kind' in decided) return decided;
    const changed = { ...instance, ...decided };
    const sealed = sealInstance(deps.sealer, changed);
    const kind = await runOne(deps.store.replaceSecretKeys, { ...sealed, expected: record.secretKey });
    if (kind === 'unknown-instance') return { kind };
    if (kind === 'changed') continue;
    deps.forgetInstance(id);
    deps.log.info(event, { instanceId: id, previousEndsAt: changed.previousSecretKey?.endsAt ?? null });
    return { kind: 'changed', instance: changed };
  }
}

import { runOne } from '../ports/command.ts';
import type { InstanceCommands, InstanceQueries } from '../ports/instance-store.ts';
import type { Log } from '../ports/log.ts';
import type { Sealer } from '../ports/sealer.ts';
import { checkName, checkOrigins } from './instance-rules.ts';
import type { Instance } from './instance.ts';
import { firstInvalid } from './invalid-field.ts';
import type { InvalidField } from './invalid-field.ts';
import { openInstance } from './sealed-records.ts';

export interface UpdateInstanceDeps {
  readonly store: Pick<InstanceCommands, 'updateInstances'> & Pick<InstanceQueries, 'findInstance'>;
  readonly sealer: Sealer;
  readonly log: Log;
  /** What was remembered of the instance is out of date. */
  readonly forgetInstance: (id: string) => void;
}

/** What is left out stays as it is. */
export type InstanceChanges = Partial<Pick<Instance, 'name' | 'allowedOrigins' | 'feed'>>;

export async function updateInstance(
  deps: UpdateInstanceDeps,
  id: string,
  changes: InstanceChanges,
): Promise<
  { readonly kind: 'updated'; readonly instance: Instance } | { readonly kind: 'unknown-instance' } | InvalidField
> {
  const record = await deps.store.findInstance(id);
  if (!record) return { kind: 'unknown-instance' };
  const changed = { ...record, ...changes };
  const mistake = firstInvalid([checkName(changed.name), checkOrigins(changed.allowedOrigins)]);
  if (mistake) return mistake;
  const { name, allowedOrigins, feed } = changed;
  const kind = await runOne(deps.store.updateInstances, { id, name, allowedOrigins, feed });
  if (kind !== 'updated') return { kind };
  deps.forgetInstance(id);
  deps.log.info('instance.updated', { instanceId: id, fields: Object.keys(changes) });
  return { kind, instance: openInstance(deps.sealer, changed) };
}

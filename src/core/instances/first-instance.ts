import type { InstanceQueries } from '../ports/instance-store.ts';
import type { CreateInstanceDeps } from './create-instance.ts';
import { createInstance } from './create-instance.ts';
import type { Instance } from './instance.ts';

export interface FirstInstanceDeps extends CreateInstanceDeps {
  readonly store: CreateInstanceDeps['store'] & Pick<InstanceQueries, 'listInstances'>;
}

/** Makes an instance when there is none, so that a new server can be used at once; null when there is one. */
export async function createFirstInstance(deps: FirstInstanceDeps): Promise<Instance | null> {
  const instances = await deps.store.listInstances({ after: null, limit: 1 });
  if (instances.length > 0) return null;
  const result = await createInstance(deps, { name: 'default' });
  if (result.kind !== 'created') throw new Error(`the first instance could not be made: ${result.kind}`);
  return result.instance;
}

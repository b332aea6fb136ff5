import type { InstanceQueries, InstanceRecord } from '../ports/instance-store.ts';

const atATime = 100;

/** Every instance, oldest first, read some at a time. Rejects with `StoreUnavailable`. */
export async function* eachInstance(store: Pick<InstanceQueries, 'listInstances'>): AsyncGenerator<InstanceRecord> {
  for (let after: string | null | undefined = null; after !== undefined;) {
    const page: readonly InstanceRecord[] = await store.listInstances({ after, limit: atATime });
    yield* page;
    after = page.length < atATime ? undefined : page.at(-1)?.id;
  }
}

import type { InstanceQueries } from '../ports/instance-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Instance, InstanceDirectory, Webhook } from './instance.ts';
import { openInstance, openWebhook } from './sealed-records.ts';
import { SharedCache } from './shared-cache.ts';

export interface CachedDirectoryDeps {
  readonly store: Pick<InstanceQueries, 'findInstance' | 'findWebhook'>;
  readonly sealer: Sealer;
  /** Most instances, and most webhooks, kept in memory. */
  readonly maxEntries: number;
}

/** A directory that opens secrets once; whoever changes an instance or a webhook tells it to forget. */
export interface CachedDirectory extends InstanceDirectory {
  readonly forgetInstance: (id: string) => void;
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
}

export function createCachedDirectory({ store, sealer, maxEntries }: CachedDirectoryDeps): CachedDirectory {
  const instances = new SharedCache<Instance>(maxEntries);
  const webhooks = new SharedCache<Webhook>(maxEntries);
  const webhookKey = (instanceId: string, webhookId: string): string => `${instanceId}/${webhookId}`;
  return {
    findInstance: (id) =>
      instances.get(id, async () => {
        const record = await store.findInstance(id);
        return record && openInstance(sealer, record);
      }),
    findWebhook: (instanceId, webhookId) =>
      webhooks.get(webhookKey(instanceId, webhookId), async () => {
        const record = await store.findWebhook(instanceId, webhookId);
        return record && openWebhook(sealer, record);
      }),
    forgetInstance: (id) => instances.forget(id),
    forgetWebhook: (instanceId, webhookId) => webhooks.forget(webhookKey(instanceId, webhookId)),
  };
}

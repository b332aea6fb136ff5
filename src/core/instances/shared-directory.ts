import type { Cluster } from '../ports/cluster.ts';
import type { CachedDirectory } from './cached-directory.ts';

/** A directory whose changes the other nodes are told of. */
export const createSharedDirectory = (
  cache: Omit<CachedDirectory, 'forgetAll'>,
  cluster: Pick<Cluster, 'tell'>,
): Omit<CachedDirectory, 'forgetAll'> => ({
  ...cache,
  forgetInstance(instanceId) {
    cache.forgetInstance(instanceId);
    cluster.tell({ kind: 'changed', instanceId, webhookId: null });
  },
  forgetCredentials(instanceId) {
    cache.forgetCredentials(instanceId);
    cluster.tell({ kind: 'changed', instanceId, webhookId: null });
  },
  forgetWebhook(instanceId, webhookId) {
    cache.forgetWebhook(instanceId, webhookId);
    cluster.tell({ kind: 'changed', instanceId, webhookId });
  },
});

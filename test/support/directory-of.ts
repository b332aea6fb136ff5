import type { Instance, InstanceDirectory } from '../../src/core/instances/instance.ts';

/** A directory of one instance, which has neither webhooks nor credentials. */
export const directoryOf = (instance: Instance): InstanceDirectory => ({
  findInstance: async () => instance,
  peekInstance: () => instance,
  findWebhook: async () => null,
  findFcmCredentials: async () => null,
  findApnsCredentials: async () => null,
  listWebhookKeys: async () => [],
  listRelayedEvents: async () => [],
});

import type { EventType } from '../../protocol/event-types.ts';
import { classicEventOf, eventTypes, isClassicEventType } from '../../protocol/event-types.ts';
import type { ClassicEvent } from '../../protocol/push-payload.ts';
import type { CredentialsQueries } from '../ports/credentials-store.ts';
import type { ApnsCredentials, FcmCredentials } from '../ports/gateway.ts';
import type { InstanceQueries, WebhookRecord } from '../ports/instance-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Instance, InstanceDirectory, Webhook, WebhookPublicKey } from './instance.ts';
import { openCredentials, openInstance, openWebhook } from './sealed-records.ts';
import { SharedCache } from './shared-cache.ts';
import { webhookPublicKey } from './webhook-secret.ts';

export interface CachedDirectoryDeps {
  readonly store: Pick<InstanceQueries, 'findInstance' | 'findWebhook' | 'listWebhooks'> &
    Pick<CredentialsQueries, 'findCredentials'>;
  readonly sealer: Sealer;
  /** Most instances, and most webhooks, kept in memory. */
  readonly maxEntries: number;
}

/** A directory that opens secrets once; whoever changes an instance or a webhook tells it to forget. */
export interface CachedDirectory extends InstanceDirectory {
  readonly forgetInstance: (id: string) => void;
  readonly forgetWebhook: (instanceId: string, webhookId: string) => void;
  readonly forgetCredentials: (instanceId: string) => void;
  readonly forgetAll: () => void;
}

export function createCachedDirectory({ store, sealer, maxEntries }: CachedDirectoryDeps): CachedDirectory {
  const instances = new SharedCache<Instance>(maxEntries);
  const webhooks = new SharedCache<Webhook>(maxEntries);
  const fcm = new SharedCache<FcmCredentials>(maxEntries);
  const apns = new SharedCache<ApnsCredentials>(maxEntries);
  const relayed = new SharedCache<readonly ClassicEvent[]>(maxEntries);
  const publicKeys = new SharedCache<readonly WebhookPublicKey[]>(maxEntries);
  const webhookKey = (instanceId: string, webhookId: string): string => `${instanceId}/${webhookId}`;
  return {
    findInstance: (id) =>
      instances.get(id, async () => {
        const record = await store.findInstance(id);
        return record && openInstance(sealer, record);
      }),
    peekInstance: (id) => instances.peek(id),
    findWebhook: (instanceId, webhookId) =>
      webhooks.get(webhookKey(instanceId, webhookId), async () => {
        const record = await store.findWebhook(instanceId, webhookId);
        return record && openWebhook(sealer, record);
      }),
    findFcmCredentials: (instanceId) =>
      fcm.get(instanceId, async () => {
        const record = await store.findCredentials({ instanceId, platform: 'fcm' });
        return record && (openCredentials(sealer, record) as FcmCredentials);
      }),
    findApnsCredentials: (instanceId) =>
      apns.get(instanceId, async () => {
        const record = await store.findCredentials({ instanceId, platform: 'apns' });
        return record && (openCredentials(sealer, record) as ApnsCredentials);
      }),
    listWebhookKeys: async (instanceId) =>
      (await publicKeys.get(instanceId, async () => {
        const webhooks = (await store.listWebhooks(instanceId)).map((record) => openWebhook(sealer, record));
        return webhooks.flatMap((webhook): WebhookPublicKey[] => {
          const publicKey = webhookPublicKey(webhook);
          return publicKey === null ? [] : [{ webhookId: webhook.id, publicKey }];
        });
      })) ?? [],
    listRelayedEvents: async (instanceId) =>
      (await relayed.get(instanceId, async () => relayedBy(await store.listWebhooks(instanceId)))) ?? [],
    forgetInstance: (id) => instances.forget(id),
    forgetWebhook(instanceId, webhookId) {
      webhooks.forget(webhookKey(instanceId, webhookId));
      relayed.forget(instanceId);
      publicKeys.forget(instanceId);
    },
    forgetCredentials(instanceId) {
      fcm.forget(instanceId);
      apns.forget(instanceId);
    },
    forgetAll() {
      for (const cache of [instances, webhooks, fcm, apns, relayed, publicKeys]) cache.forgetAll();
    },
  };
}

function relayedBy(records: readonly WebhookRecord[]): readonly ClassicEvent[] {
  const relays = records.filter(({ format, disabledAt }) => format === 'classic' && disabledAt === null);
  const isRelayed = (type: EventType): boolean => relays.some(({ events }) => events.includes(type));
  return eventTypes
    .filter(isClassicEventType)
    .filter(isRelayed)
    .map((type) => classicEventOf[type]);
}

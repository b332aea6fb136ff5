import type { JsonObject } from '../../protocol/json.ts';
import type { InstanceRecord, WebhookRecord } from '../ports/instance-store.ts';
import type { Sealer } from '../ports/sealer.ts';
import type { Instance, Webhook } from './instance.ts';

export function openInstance(sealer: Sealer, record: InstanceRecord): Instance {
  const { id: instanceId, secretKey, previousSecretKey: previous, vapidPublicKey, vapidPrivateKey, ...others } = record;
  return {
    ...others,
    id: instanceId,
    secretKey: sealer.open({ instanceId, column: 'instances.secret_key' }, secretKey).toString(),
    previousSecretKey: previous && {
      key: sealer.open({ instanceId, column: 'instances.previous_secret_key' }, previous.key).toString(),
      endsAt: previous.endsAt,
    },
    vapid: {
      publicKey: vapidPublicKey,
      privateKey: sealer.open({ instanceId, column: 'instances.vapid_private_key' }, vapidPrivateKey),
    },
  };
}

export function sealInstance(sealer: Sealer, instance: Instance): InstanceRecord {
  const { id: instanceId, secretKey, previousSecretKey: previous, vapid, ...others } = instance;
  return {
    ...others,
    id: instanceId,
    secretKey: sealer.seal({ instanceId, column: 'instances.secret_key' }, secretKey),
    previousSecretKey: previous && {
      key: sealer.seal({ instanceId, column: 'instances.previous_secret_key' }, previous.key),
      endsAt: previous.endsAt,
    },
    vapidPublicKey: vapid.publicKey,
    vapidPrivateKey: sealer.seal({ instanceId, column: 'instances.vapid_private_key' }, vapid.privateKey),
  };
}

export function openWebhook(sealer: Sealer, record: WebhookRecord): Webhook {
  const { instanceId } = record;
  return {
    ...record,
    url: sealer.open({ instanceId, column: 'webhooks.url' }, record.url).toString(),
    secret: sealer.open({ instanceId, column: 'webhooks.secret' }, record.secret).toString(),
    customData: JSON.parse(record.customData) as JsonObject,
  };
}

export function sealWebhook(sealer: Sealer, webhook: Webhook): WebhookRecord {
  const { instanceId } = webhook;
  return {
    ...webhook,
    url: sealer.seal({ instanceId, column: 'webhooks.url' }, webhook.url),
    secret: sealer.seal({ instanceId, column: 'webhooks.secret' }, webhook.secret),
    customData: JSON.stringify(webhook.customData),
  };
}

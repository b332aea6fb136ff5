import type { JsonObject } from '../../protocol/json.ts';
import type { InstanceRecord, Sealed, WebhookRecord } from '../ports/instance-store.ts';
import type { CredentialsRecord } from '../ports/credentials-store.ts';
import type { ApnsCredentials, FcmCredentials } from '../ports/gateway.ts';
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

const credentialsPlace = (instanceId: string) => ({ instanceId, column: 'gateway_credentials.credentials' }) as const;

/** Of which platform they are, the record says. */
export const openCredentials = (
  sealer: Sealer,
  { instanceId, credentials }: Pick<CredentialsRecord, 'instanceId' | 'credentials'>,
): unknown => JSON.parse(sealer.open(credentialsPlace(instanceId), credentials).toString());

export const sealCredentials = (
  sealer: Sealer,
  instanceId: string,
  credentials: FcmCredentials | ApnsCredentials,
): Sealed => sealer.seal(credentialsPlace(instanceId), JSON.stringify(credentials));

export function openWebhook(sealer: Sealer, record: WebhookRecord): Webhook {
  const { instanceId, previousSecret: previous, signingKey, headers } = record;
  return {
    ...record,
    url: sealer.open({ instanceId, column: 'webhooks.url' }, record.url).toString(),
    secret: sealer.open({ instanceId, column: 'webhooks.secret' }, record.secret).toString(),
    previousSecret: previous && {
      secret: sealer.open({ instanceId, column: 'webhooks.previous_secret' }, previous.secret).toString(),
      endsAt: previous.endsAt,
    },
    signingKey: signingKey && sealer.open({ instanceId, column: 'webhooks.signing_key' }, signingKey),
    headers: headers
      ? (JSON.parse(sealer.open({ instanceId, column: 'webhooks.headers' }, headers).toString()) as Webhook['headers'])
      : {},
    customData: JSON.parse(record.customData) as JsonObject,
  };
}

export function sealWebhook(sealer: Sealer, webhook: Webhook): WebhookRecord {
  const { instanceId, previousSecret: previous, signingKey, headers } = webhook;
  return {
    ...webhook,
    url: sealer.seal({ instanceId, column: 'webhooks.url' }, webhook.url),
    secret: sealer.seal({ instanceId, column: 'webhooks.secret' }, webhook.secret),
    previousSecret: previous && {
      secret: sealer.seal({ instanceId, column: 'webhooks.previous_secret' }, previous.secret),
      endsAt: previous.endsAt,
    },
    signingKey: signingKey && sealer.seal({ instanceId, column: 'webhooks.signing_key' }, signingKey),
    headers:
      Object.keys(headers).length > 0
        ? sealer.seal({ instanceId, column: 'webhooks.headers' }, JSON.stringify(headers))
        : null,
    customData: JSON.stringify(webhook.customData),
  };
}

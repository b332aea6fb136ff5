import type { JsonObject } from '../../protocol/json.ts';
import type { InstanceRecord, Sealed, WebhookRecord } from '../ports/instance-store.ts';
import type { CredentialsRecord } from '../ports/credentials-store.ts';
import type { ApnsCredentials, FcmCredentials } from '../ports/gateway.ts';
import type { SealedPlace, Sealer } from '../ports/sealer.ts';
import type { Instance, Webhook } from './instance.ts';

const placeOf =
  (instanceId: string, rowId: string) =>
  (column: SealedPlace['column']): SealedPlace => ({ instanceId, rowId, column });

export function openInstance(sealer: Sealer, record: InstanceRecord): Instance {
  const { id, secretKey, previousSecretKey: previous, vapidPublicKey, vapidPrivateKey, ...others } = record;
  const place = placeOf(id, id);
  return {
    ...others,
    id,
    secretKey: sealer.open(place('instances.secret_key'), secretKey).toString(),
    previousSecretKey: previous && {
      key: sealer.open(place('instances.previous_secret_key'), previous.key).toString(),
      endsAt: previous.endsAt,
    },
    vapid: {
      publicKey: vapidPublicKey,
      privateKey: sealer.open(place('instances.vapid_private_key'), vapidPrivateKey),
    },
  };
}

export function sealInstance(sealer: Sealer, instance: Instance): InstanceRecord {
  const { id, secretKey, previousSecretKey: previous, vapid, ...others } = instance;
  const place = placeOf(id, id);
  return {
    ...others,
    id,
    secretKey: sealer.seal(place('instances.secret_key'), secretKey),
    previousSecretKey: previous && {
      key: sealer.seal(place('instances.previous_secret_key'), previous.key),
      endsAt: previous.endsAt,
    },
    vapidPublicKey: vapid.publicKey,
    vapidPrivateKey: sealer.seal(place('instances.vapid_private_key'), vapid.privateKey),
  };
}

const credentialsPlace = ({ instanceId, platform }: Pick<CredentialsRecord, 'instanceId' | 'platform'>): SealedPlace =>
  placeOf(instanceId, platform)('gateway_credentials.credentials');

/** Of which platform they are, the record says. */
export const openCredentials = (
  sealer: Sealer,
  record: Pick<CredentialsRecord, 'instanceId' | 'platform' | 'credentials'>,
): unknown => JSON.parse(sealer.open(credentialsPlace(record), record.credentials).toString());

export const sealCredentials = (
  sealer: Sealer,
  record: Pick<CredentialsRecord, 'instanceId' | 'platform'>,
  credentials: FcmCredentials | ApnsCredentials,
): Sealed => sealer.seal(credentialsPlace(record), JSON.stringify(credentials));

export function openWebhook(sealer: Sealer, record: WebhookRecord): Webhook {
  const { previousSecret: previous, signingKey, headers } = record;
  const place = placeOf(record.instanceId, record.id);
  return {
    ...record,
    url: sealer.open(place('webhooks.url'), record.url).toString(),
    secret: sealer.open(place('webhooks.secret'), record.secret).toString(),
    previousSecret: previous && {
      secret: sealer.open(place('webhooks.previous_secret'), previous.secret).toString(),
      endsAt: previous.endsAt,
    },
    signingKey: signingKey && sealer.open(place('webhooks.signing_key'), signingKey),
    headers: headers
      ? (JSON.parse(sealer.open(place('webhooks.headers'), headers).toString()) as Webhook['headers'])
      : {},
    customData: JSON.parse(record.customData) as JsonObject,
  };
}

export function sealWebhook(sealer: Sealer, webhook: Webhook): WebhookRecord {
  const { previousSecret: previous, signingKey, headers } = webhook;
  const place = placeOf(webhook.instanceId, webhook.id);
  return {
    ...webhook,
    url: sealer.seal(place('webhooks.url'), webhook.url),
    secret: sealer.seal(place('webhooks.secret'), webhook.secret),
    previousSecret: previous && {
      secret: sealer.seal(place('webhooks.previous_secret'), previous.secret),
      endsAt: previous.endsAt,
    },
    signingKey: signingKey && sealer.seal(place('webhooks.signing_key'), signingKey),
    headers: Object.keys(headers).length > 0 ? sealer.seal(place('webhooks.headers'), JSON.stringify(headers)) : null,
    customData: JSON.stringify(webhook.customData),
  };
}

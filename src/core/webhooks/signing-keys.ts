import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { Webhook } from '../instances/instance.ts';
import { signingKeyObject, webhookSecretBytes } from '../instances/webhook-secret.ts';

/** A webhook's keys as the crypto library wants them: making them costs more than a signature. */
export interface SigningKeys {
  readonly secret: KeyObject;
  readonly previousSecret: { readonly secret: KeyObject; readonly endsAt: number } | null;
  /** Ed25519; null unless the signing is `standard`. */
  readonly privateKey: KeyObject | null;
}

/** Webhooks are remembered whole, so their keys live as long as they do. */
const known = new WeakMap<Webhook, SigningKeys>();

export function signingKeysOf(webhook: Webhook): SigningKeys {
  const keys = known.get(webhook) ?? makeKeys(webhook);
  known.set(webhook, keys);
  return keys;
}

function makeKeys({ options: { signing }, secret, previousSecret: previous, signingKey }: Webhook): SigningKeys {
  const secretKey = (text: string): KeyObject =>
    createSecretKey((signing === 'standard' && webhookSecretBytes(text)) || Buffer.from(text));
  return {
    secret: secretKey(secret),
    previousSecret: previous && { secret: secretKey(previous.secret), endsAt: previous.endsAt },
    privateKey: signing === 'standard' && signingKey ? signingKeyObject(signingKey) : null,
  };
}

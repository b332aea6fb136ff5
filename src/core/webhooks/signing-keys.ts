import type { KeyObject } from 'node:crypto';
import type { Webhook } from '../instances/instance.ts';
import { signingKeyObject, webhookSecretBytes } from '../instances/webhook-secret.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { createKeyedHash } from './keyed-hash.ts';

/** A webhook's keys, ready to sign: making them ready costs more than a signature. */
export interface SigningKeys {
  readonly secret: KeyedHash;
  readonly previousSecret: { readonly secret: KeyedHash; readonly endsAt: number } | null;
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
  const keyedHash = (text: string): KeyedHash =>
    signing === 'standard'
      ? createKeyedHash('sha256', webhookSecretBytes(text) ?? Buffer.from(text))
      : createKeyedHash('sha1', Buffer.from(text));
  return {
    secret: keyedHash(secret),
    previousSecret: previous && { secret: keyedHash(previous.secret), endsAt: previous.endsAt },
    privateKey: signing === 'standard' && signingKey ? signingKeyObject(signingKey) : null,
  };
}

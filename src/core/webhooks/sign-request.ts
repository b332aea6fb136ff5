import { sign } from 'node:crypto';
import type { Webhook } from '../instances/instance.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { signingKeysOf } from './signing-keys.ts';

export interface SignedContent {
  /** The same on every attempt. */
  readonly id: string;
  /** When this attempt begins, in milliseconds. */
  readonly now: number;
  readonly body: string;
}

/** Which message this is, and when this attempt was made: for requests with a signature and for those without. */
export const attemptHeaders = ({ id, now }: Pick<SignedContent, 'id' | 'now'>) => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(now / 1_000)),
});

/** The header `Webhook-Signature`, and what a receiver needs to check it. */
export function signatureHeaders(webhook: Webhook, content: SignedContent): Record<string, string> {
  const signature =
    webhook.options.signing === 'standard' ? standardSignature(webhook, content) : beamsSignature(webhook, content);
  return { ...attemptHeaders(content), 'Webhook-Signature': signature };
}

/**
 * Beams: hex HMAC-SHA1 of the body. There is room for one: until a change of secrets is over the previous secret signs,
 * so that receivers that know only that one go on working.
 */
function beamsSignature(webhook: Webhook, { now, body }: SignedContent): string {
  const { secret, previousSecret: previous } = signingKeysOf(webhook);
  const key = previous && now < previous.endsAt ? previous.secret : secret;
  return key(body, 'hex');
}

/** Standard Webhooks: "a space delimited list of signatures" of `{id}.{timestamp}.{body}`, each with its version. */
function standardSignature(webhook: Webhook, content: SignedContent): string {
  const { secret, previousSecret: previous, privateKey } = signingKeysOf(webhook);
  const headers = attemptHeaders(content);
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${content.body}`;
  const symmetric = (key: KeyedHash): string => `v1,${key(signed, 'base64')}`;
  return [
    symmetric(secret),
    ...(previous && content.now < previous.endsAt ? [symmetric(previous.secret)] : []),
    ...(privateKey ? [`v1a,${sign(null, Buffer.from(signed), privateKey).toString('base64')}`] : []),
  ].join(' ');
}

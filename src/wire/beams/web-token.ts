import * as z from 'zod';
import type { RefusedSubscription, WebSubscription } from '../../core/devices/register-web-device.ts';
import { parseJson } from '../http/json-body.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { refuse } from './beams-answer.ts';

const base64Url = z.string().regex(/^[A-Za-z0-9_-]{1,100}={0,2}$/);

/** `PushSubscription.toJSON()` (Push API, section 8.2). */
const subscription = z.object({
  endpoint: z.string().min(1).max(2048),
  keys: z.object({ p256dh: base64Url, auth: base64Url }),
});

/**
 * "`token`: btoa(JSON of PushSubscription), standard padded base64". Null when it is not that; whether the parts can be
 * used is for core to say.
 */
export function decodeWebToken(token: string): WebSubscription | null {
  if (token.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(token)) return null;
  // `btoa` takes a character for a byte.
  const decoded = subscription.safeParse(parseJson(Buffer.from(token, 'base64').toString('latin1')));
  if (!decoded.success) return null;
  const { endpoint, keys } = decoded.data;
  return {
    endpoint,
    p256dh: Buffer.from(keys.p256dh, 'base64url'),
    auth: Buffer.from(keys.auth, 'base64url'),
  };
}

export const malformedWebToken = refuse(
  'wrong-schema',
  '`token`: expected the JSON of a PushSubscription in standard padded base64',
);

/** Names the part as the token does. */
export function refuseSubscription({ part, reason }: RefusedSubscription): BeamsAnswer {
  const field = part === 'endpoint' ? part : `keys.${part}`;
  return refuse('wrong-schema', `\`token.${field}\`: ${reason}`);
}

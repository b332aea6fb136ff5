import { createECDH, randomBytes } from 'node:crypto';
import ece from 'http_ece';

/** A push as the browser hands it to its service worker. */
export interface ReceivedPush {
  readonly notification: { readonly title?: string; readonly body?: string };
  readonly data: { readonly pusher: { readonly publishId: string } };
}

export interface SimulatedBrowser {
  readonly name: string;
  /** `PushSubscription.toJSON()` of the Push API. */
  readonly subscription: {
    readonly endpoint: string;
    readonly keys: { readonly p256dh: string; readonly auth: string };
  };
  /** Decrypts a body (RFC 8291); throws when it was not made for this subscription. */
  readonly decrypt: (body: Buffer) => ReceivedPush;
}

/** A browser's side of Web Push: a subscription with its own keys, and decryption by a library nobody here wrote. */
export function createSimulatedBrowser(name: string, endpoint: string): SimulatedBrowser {
  const keys = createECDH('prime256v1');
  const p256dh = keys.generateKeys().toString('base64url');
  const auth = randomBytes(16).toString('base64url');
  return {
    name,
    subscription: { endpoint, keys: { p256dh, auth } },
    decrypt: (body) =>
      JSON.parse(
        ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: auth }).toString(),
      ) as ReceivedPush,
  };
}

import { randomBytes } from 'node:crypto';
import type { TestAuthority } from '../test/support/test-authority.ts';
import type { TlsFront } from '../test/support/tls-front.ts';
import { startTlsFront } from '../test/support/tls-front.ts';
import { vapidFault } from '../test/support/verify-vapid.ts';
import type { ReceivedPush, SimulatedBrowser } from './simulated-browser.ts';
import { createSimulatedBrowser } from './simulated-browser.ts';

export interface LocalPushService extends Pick<TlsFront, 'close'> {
  /** `localhost:<port>` */
  readonly host: string;
  /** A browser that subscribed with the server's VAPID key; `onPush` is its service worker. */
  subscribe(name: string, vapidKey: string, onPush: (push: ReceivedPush) => void): SimulatedBrowser;
}

interface Subscriber {
  readonly browser: SimulatedBrowser;
  readonly vapidKey: string;
  readonly onPush: (push: ReceivedPush) => void;
}

/** A push service (RFC 8030) on loopback, over real TLS, that checks VAPID (RFC 8292) and hands pushes to its browsers. */
export async function startLocalPushService(authority: TestAuthority): Promise<LocalPushService> {
  const subscribers = new Map<string, Subscriber>();
  let origin = '';
  const front = await startTlsFront(authority, {
    localhost: ({ method, path, headers, body }) => {
      const subscriber = subscribers.get(path);
      if (method !== 'POST' || !subscriber) return { status: 404 };
      const fault = vapidFault(headers.authorization, { audiences: [origin], key: subscriber.vapidKey });
      if (fault) return { status: 403, body: fault };
      if (!/^\d+$/.test(String(headers['ttl']))) return { status: 400, body: 'TTL is missing' };
      subscriber.onPush(subscriber.browser.decrypt(body));
      return { status: 201 };
    },
  });
  const host = `localhost:${front.port}`;
  origin = `https://${host}`;
  return {
    host,
    subscribe(name, vapidKey, onPush) {
      const path = `/push/${randomBytes(16).toString('base64url')}`;
      const browser = createSimulatedBrowser(name, origin + path);
      subscribers.set(path, { browser, vapidKey, onPush });
      return browser;
    },
    close: front.close,
  };
}

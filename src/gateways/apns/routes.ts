import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import type { ApnsCredentials } from '../../core/ports/gateway.ts';
import type { ClientCertificate, PushConnections } from '../../core/ports/push-connections.ts';
import type { Proof } from '../push-client/phone-sender.ts';
import { createPushClient, type PushClient } from '../push-client/push-client.ts';
import type { NotifyRejection } from '../push-client/rejection-notices.ts';
import { createProviderToken, type ProviderToken } from './provider-token.ts';

/** `null`: no certificate is shown. */
export type OpenConnections = (certificate: ClientCertificate | null) => PushConnections;

/** How deliveries with some credentials travel. */
export interface ApnsRoute {
  readonly connections: PushConnections;
  readonly client: PushClient;
  /** Null with a certificate, which says enough. */
  readonly token: ProviderToken | null;
  /** What requests are proved with now. */
  readonly proof: () => Proof;
}

export interface ApnsRoutesDeps {
  readonly openConnections: OpenConnections;
  readonly windowPerOrigin: number;
  readonly clock: Clock;
  readonly notifyRejection: NotifyRejection;
}

export interface ApnsRoutes {
  for(credentials: ApnsCredentials): ApnsRoute;
  close(): Promise<void>;
}

/** Keys and certificates whose connections are kept. */
const maxRoutes = 1_000;

/**
 * Each key and each certificate has connections of its own, whichever instances have been given it. "APNs doesn't support
 * authentication tokens from multiple developer accounts over a single connection" (Apple, Establishing a token-based
 * connection to APNs), nor tokens of keys that are unrelated (`UnrelatedKeyIdInToken`).
 */
export function createApnsRoutes({ openConnections, clock, ...deps }: ApnsRoutesDeps): ApnsRoutes {
  const routes = new Map<string, ApnsRoute>();
  const open = (credentials: ApnsCredentials): ApnsRoute => {
    const connections = openConnections(credentials.kind === 'certificate' ? credentials : null);
    const client = createPushClient({ ...deps, connections });
    if (credentials.kind === 'token') {
      const token = createProviderToken(credentials, clock);
      return { connections, client, token, proof: () => ({ kind: 'token', token: token.get() }) };
    }
    const { validTo } = new X509Certificate(credentials.certificate);
    const expired = { kind: 'refused', reason: `APNs: the certificate has expired on ${validTo}` } as const;
    // Apple ends the connection without a word that could be read.
    const proof = (): Proof => (Date.parse(validTo) <= clock() ? expired : { kind: 'token', token: null });
    return { connections, client, token: null, proof };
  };
  return {
    for(credentials) {
      const key = keyOf(credentials);
      const route = routes.get(key) ?? open(credentials);
      // The one used last is the last in the map.
      routes.delete(key);
      routes.set(key, route);
      const [oldest] = routes;
      if (routes.size > maxRoutes && oldest) {
        routes.delete(oldest[0]);
        void oldest[1].connections.close();
      }
      return route;
    },
    async close() {
      await Promise.all([...routes.values()].map((route) => route.connections.close()));
    },
  };
}

/** The private key too: nobody travels under a token that is not their own because they know the key's id. */
const keyOf = (credentials: ApnsCredentials): string =>
  credentials.kind === 'certificate'
    ? `${credentials.certificate} ${credentials.privateKey}`
    : `${credentials.teamId} ${credentials.keyId} ${credentials.privateKey}`;

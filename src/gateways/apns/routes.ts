import type { ApnsCredentials } from '../../core/ports/gateway.ts';
import type { ClientCertificate, PushConnections } from '../../core/ports/push-connections.ts';
import { createPushClient, type PushClient } from '../push-client/push-client.ts';
import type { NotifyRejection } from '../push-client/rejection-notices.ts';

export type OpenConnections = (certificate: ClientCertificate) => PushConnections;

/** How deliveries with some credentials travel. */
export interface ApnsRoute {
  readonly connections: PushConnections;
  readonly client: PushClient;
}

export interface ApnsRoutesDeps {
  readonly connections: PushConnections;
  readonly openConnections: OpenConnections;
  readonly windowPerOrigin: number;
  readonly notifyRejection: NotifyRejection;
}

export interface ApnsRoutes {
  for(credentials: ApnsCredentials): ApnsRoute;
  close(): Promise<void>;
}

/** Certificates whose connections are kept. */
const maxCertificates = 1_000;

/** A certificate belongs to the connection, a token to the request: instances with tokens share connections. */
export function createApnsRoutes(deps: ApnsRoutesDeps): ApnsRoutes {
  const { connections, openConnections } = deps;
  const routeOver = (over: PushConnections): ApnsRoute => ({
    connections: over,
    client: createPushClient({ ...deps, connections: over }),
  });
  const shared = routeOver(connections);
  const ofCertificates = new Map<string, ApnsRoute>();
  return {
    for(credentials) {
      if (credentials.kind === 'token') return shared;
      const { certificate, privateKey } = credentials;
      const known = ofCertificates.get(certificate);
      // The one used last is the last in the map.
      ofCertificates.delete(certificate);
      const route = known ?? routeOver(openConnections({ certificate, privateKey }));
      ofCertificates.set(certificate, route);
      const [oldest] = ofCertificates;
      if (ofCertificates.size > maxCertificates && oldest) {
        ofCertificates.delete(oldest[0]);
        void oldest[1].connections.close();
      }
      return route;
    },
    async close() {
      await Promise.all([shared, ...ofCertificates.values()].map((route) => route.connections.close()));
    },
  };
}

import type { ServerSettings } from '../config/server-settings.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import type { PushEndpointRules } from '../core/ports/push-endpoint-rules.ts';
import type { ConnectDeps } from '../egress/guarded-connect.ts';
import { createPushConnections } from '../egress/push-connections.ts';
import { createApnsGateway } from '../gateways/apns/gateway.ts';
import { createFcmGateway } from '../gateways/fcm/gateway.ts';
import { createWebPushGateway } from '../gateways/web-push/gateway.ts';

/** Of an attempt to deliver. */
export const pushDeadlineMs = 10_000;
const pushWindowPerOrigin = 500;
/** "In most cases, you can reuse a connection for many hours to days" (Apple, Sending notification requests to APNs). */
const apnsIdleTimeoutMs = 60 * 60_000;

export interface OpenGateways {
  readonly settings: Pick<ServerSettings, 'encryptionThreads' | 'vapidContact'>;
  /** The way out. */
  readonly connecting: Pick<ConnectDeps, 'network' | 'guard'>;
  readonly endpointRules: PushEndpointRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly credentialsPauseMs: number | undefined;
}

/** The ways to browsers and phones. Whoever opens them closes each. */
export function openGateways({ settings, connecting, endpointRules, clock, log, credentialsPauseMs }: OpenGateways) {
  const sending = { windowPerOrigin: pushWindowPerOrigin, deadlineMs: pushDeadlineMs, clock, log };
  return {
    web: createWebPushGateway({
      ...sending,
      connections: createPushConnections(connecting),
      rules: endpointRules,
      encryptionThreads: settings.encryptionThreads,
      contact: settings.vapidContact,
    }),
    fcm: createFcmGateway({ ...sending, credentialsPauseMs, connections: createPushConnections(connecting) }),
    apns: createApnsGateway({
      ...sending,
      credentialsPauseMs,
      openConnections: (clientCertificate) =>
        createPushConnections({
          ...connecting,
          idleTimeoutMs: apnsIdleTimeoutMs,
          ...(clientCertificate && { clientCertificate }),
        }),
    }),
  };
}

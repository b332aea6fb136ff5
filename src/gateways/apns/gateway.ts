import type { Clock } from '../../core/ports/clock.ts';
import type {
  ApnsContent,
  ApnsCredentials,
  DeliveryOutcome,
  GatewayBatch,
  GatewayDevice,
  PhoneGateway,
} from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import { createDeliveriesInFlight } from '../push-client/deliveries-in-flight.ts';
import { createPhoneSender } from '../push-client/phone-sender.ts';
import { createRejectionNotices } from '../push-client/rejection-notices.ts';
import { type ApnsRoute, createApnsRoutes, type OpenConnections } from './routes.ts';
import { verdictOf } from './errors.ts';
import { encodePayload, maxPayloadBytes, notificationHeaders } from './notification.ts';

export interface ApnsGatewayDeps {
  readonly openConnections: OpenConnections;
  /** Requests in flight to one environment of Apple's with one key or certificate. */
  readonly windowPerOrigin: number;
  /** For one delivery. */
  readonly deadlineMs: number;
  /** How long a platform pauses whose credentials were refused; a minute when left out. */
  readonly credentialsPauseMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

type ApnsBatch = GatewayBatch<ApnsContent, ApnsCredentials>;

const origins = { production: 'https://api.push.apple.com', sandbox: 'https://api.sandbox.push.apple.com' } as const;

/** APNs (developer.apple.com, Sending notification requests to APNs). Closing it closes the connections. */
export function createApnsGateway(deps: ApnsGatewayDeps): PhoneGateway<ApnsContent, ApnsCredentials> {
  const { clock, log, deadlineMs } = deps;
  const send = createPhoneSender({ platform: 'apns', clock, log, pauseMs: deps.credentialsPauseMs });
  const routes = createApnsRoutes({ ...deps, notifyRejection: createRejectionNotices(deps) });
  const inFlight = createDeliveriesInFlight(log);

  const sendTo = async (
    batch: ApnsBatch,
    { client, token, proof }: ApnsRoute,
    { address, bundleIdentifier, registeredAt }: GatewayDevice,
    common: { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer; readonly endsAt: number },
  ): Promise<DeliveryOutcome> => {
    const { instanceId, sender } = batch;
    const origin = origins[sender.environment];
    const topic = bundleIdentifier ?? sender.bundleIdentifier;
    if (topic === null) return { kind: 'rejected', reason: 'APNs: nobody said which app (bundle identifier) it is' };
    return send(client, sender, {
      ...{ ...common, instanceId, origin, window: origin, path: `/3/device/${address}` },
      app: topic,
      headers: { ...common.headers, 'apns-topic': topic },
      scheme: 'bearer',
      proof: async () => proof(),
      replaceToken: (refused) => token?.replace(refused) ?? false,
      verdictOf: (response) => verdictOf(response, registeredAt),
    });
  };

  return {
    deliver(batch) {
      const body = encodePayload(batch);
      if (body.length > maxPayloadBytes) {
        const reason = `payload of ${body.length} bytes, more than the ${maxPayloadBytes} that APNs takes`;
        return batch.devices.map(() => Promise.resolve<DeliveryOutcome>({ kind: 'rejected', reason }));
      }
      const common = { headers: notificationHeaders(batch, clock()), body, endsAt: performance.now() + deadlineMs };
      const route = routes.for(batch.sender);
      const origin = origins[batch.sender.environment];
      return batch.devices.map((device) =>
        inFlight.add(batch.instanceId, origin, sendTo(batch, route, device, common)),
      );
    },
    async check(sender) {
      const { connections, token } = routes.for(sender);
      const response = await connections.request({
        origin: origins[sender.environment],
        // Nobody has this token: credentials that are taken get `BadDeviceToken`.
        path: `/3/device/${'0'.repeat(64)}`,
        headers: {
          ...(token && { authorization: `bearer ${token.get()}` }),
          'apns-push-type': 'background',
          'apns-priority': '5',
          ...(sender.bundleIdentifier !== null && { 'apns-topic': sender.bundleIdentifier }),
        },
        body: Buffer.from('{"aps":{"content-available":1}}'),
        timeoutMs: deadlineMs,
      });
      const verdict = verdictOf(response, 0);
      if (verdict.kind !== 'outcome') return { kind: 'refused', reason: verdict.reason };
      const { outcome } = verdict;
      if (outcome.kind === 'accepted' || outcome.kind === 'gone') return { kind: 'accepted' };
      if (outcome.kind !== 'rejected') return { kind: 'unknown', reason: outcome.reason };
      // Without a bundle identifier the topic is missing, which is said after the credentials were taken.
      const isTaken = /: (?:BadDeviceToken|MissingTopic)$/.test(outcome.reason);
      return isTaken ? { kind: 'accepted' } : { kind: 'refused', reason: outcome.reason };
    },
    async close() {
      await inFlight.settled();
      await routes.close();
    },
  };
}

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
import type { PushConnections } from '../../core/ports/push-connections.ts';
import { createCredentialsPause } from '../push-client/credentials-pause.ts';
import { createDeliveriesInFlight } from '../push-client/deliveries-in-flight.ts';
import { createRejectionNotices } from '../push-client/rejection-notices.ts';
import { type ApnsRoute, createApnsRoutes, type OpenConnections } from './routes.ts';
import { type ApnsVerdict, verdictOf } from './errors.ts';
import { encodePayload, maxPayloadBytes, notificationHeaders } from './notification.ts';
import { createProviderTokens } from './provider-tokens.ts';

export interface ApnsGatewayDeps {
  /** For credentials that are tokens: all instances share them. */
  readonly connections: PushConnections;
  /** For credentials that are certificates: each is shown when connections are made. */
  readonly openConnections: OpenConnections;
  /** Requests in flight to one environment of Apple's. */
  readonly windowPerOrigin: number;
  /** For one delivery. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

type ApnsBatch = GatewayBatch<ApnsContent, ApnsCredentials>;

const origins = { production: 'https://api.push.apple.com', sandbox: 'https://api.sandbox.push.apple.com' } as const;

/** APNs (developer.apple.com, Sending notification requests to APNs). Closing it closes the connections. */
export function createApnsGateway(deps: ApnsGatewayDeps): PhoneGateway<ApnsContent, ApnsCredentials> {
  const { clock, log, deadlineMs } = deps;
  const tokens = createProviderTokens(clock);
  const pause = createCredentialsPause({ platform: 'apns', clock, log });
  const routes = createApnsRoutes({ ...deps, notifyRejection: createRejectionNotices(deps) });
  const inFlight = createDeliveriesInFlight(log);

  const authorization = (sender: ApnsCredentials): Readonly<Record<string, string>> =>
    sender.kind === 'token' ? { authorization: `bearer ${tokens.get(sender)}` } : {};

  const send = async (
    { instanceId, sender }: ApnsBatch,
    { client }: ApnsRoute,
    { address, bundleIdentifier, registeredAt }: GatewayDevice,
    { headers, body, endsAt }: { headers: Readonly<Record<string, string>>; body: Buffer; endsAt: number },
  ): Promise<DeliveryOutcome> => {
    const origin = origins[sender.environment];
    const waiting = pause.outcome(sender) ?? client.refusal(origin);
    if (waiting) return waiting;
    const topic = bundleIdentifier ?? sender.bundleIdentifier;
    if (topic === null) return { kind: 'rejected', reason: 'APNs: nobody said which app (bundle identifier) it is' };
    // A provider token that has expired by Apple's clock is replaced once.
    for (let attempt = 1; ; attempt++) {
      const proof = authorization(sender);
      let verdict: ApnsVerdict | undefined;
      const outcome = await client.send({
        instanceId,
        origin,
        path: `/3/device/${address}`,
        headers: { ...headers, ...proof, 'apns-topic': topic },
        body,
        timeoutMs: Math.max(1, endsAt - performance.now()),
        outcomeOf: (response) => {
          verdict = verdictOf(response, registeredAt);
          return verdict.kind === 'outcome'
            ? verdict.outcome
            : { kind: 'unauthorized', reason: verdict.reason, retryAfterMs: 0 };
        },
      });
      const token = proof['authorization']?.slice('bearer '.length);
      const renewed =
        verdict?.kind === 'token-refused' &&
        sender.kind === 'token' &&
        token !== undefined &&
        tokens.replace(sender, token);
      if (renewed && attempt === 1) continue;
      if (outcome.kind === 'unauthorized') return pause.refused(sender, instanceId, outcome.reason);
      if (outcome.kind === 'accepted') pause.accepted(sender, instanceId);
      return outcome;
    }
  };

  return {
    deliver(batch) {
      const body = encodePayload(batch);
      if (body.length > maxPayloadBytes) {
        const reason = `payload of ${body.length} bytes, more than the ${maxPayloadBytes} that APNs takes`;
        return batch.devices.map(() => Promise.resolve<DeliveryOutcome>({ kind: 'rejected', reason }));
      }
      const headers = notificationHeaders(batch, clock());
      const endsAt = performance.now() + deadlineMs;
      const route = routes.for(batch.sender);
      const origin = origins[batch.sender.environment];
      return batch.devices.map((device) =>
        inFlight.add(batch.instanceId, origin, send(batch, route, device, { headers, body, endsAt })),
      );
    },
    async check(sender) {
      const response = await routes.for(sender).connections.request({
        origin: origins[sender.environment],
        // Nobody has this token: credentials that are taken get `BadDeviceToken`.
        path: `/3/device/${'0'.repeat(64)}`,
        headers: {
          ...authorization(sender),
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

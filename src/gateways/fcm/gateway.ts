import type { Clock } from '../../core/ports/clock.ts';
import type {
  DeliveryOutcome,
  FcmContent,
  FcmCredentials,
  GatewayBatch,
  PhoneGateway,
} from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import type { PushConnections, PushResponse } from '../../core/ports/push-connections.ts';
import { createCredentialsPause } from '../push-client/credentials-pause.ts';
import { createDeliveriesInFlight } from '../push-client/deliveries-in-flight.ts';
import { createPushClient } from '../push-client/push-client.ts';
import { createRejectionNotices } from '../push-client/rejection-notices.ts';
import { createAccessTokens } from './access-tokens.ts';
import { type FcmVerdict, verdictOf } from './errors.ts';
import { encodeMessage } from './message.ts';

export interface FcmGatewayDeps {
  readonly connections: PushConnections;
  /** Requests in flight to FCM. */
  readonly windowPerOrigin: number;
  /** For one delivery, waiting for a token included. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const origin = 'https://fcm.googleapis.com';

type FcmBatch = GatewayBatch<FcmContent, FcmCredentials>;

/** FCM's HTTP v1 API (firebase.google.com, FCM REST API, `projects.messages`). Closing it closes the connections. */
export function createFcmGateway(deps: FcmGatewayDeps): PhoneGateway<FcmContent, FcmCredentials> {
  const { connections, clock, log, deadlineMs } = deps;
  const tokens = createAccessTokens({ connections, clock });
  const pause = createCredentialsPause({ platform: 'fcm', clock, log });
  const notifyRejection = createRejectionNotices(deps);
  const client = createPushClient({ connections, windowPerOrigin: deps.windowPerOrigin, notifyRejection });
  const inFlight = createDeliveriesInFlight(log);

  const send = async (batch: FcmBatch, body: Buffer, endsAt: number): Promise<DeliveryOutcome> => {
    const { instanceId, sender } = batch;
    const paused = pause.outcome(sender) ?? client.refusal(origin);
    if (paused) return paused;
    // A token that was taken back early is replaced once.
    for (let attempt = 1; ; attempt++) {
      const restMs = endsAt - performance.now();
      if (restMs <= 0) return { kind: 'failed', reason: 'FCM: not sent in time', retryAfterMs: null };
      const token = await tokens.get(sender, restMs);
      if (token.kind === 'refused') return pause.refused(sender, instanceId, token.reason);
      if (token.kind === 'failed') return token;
      let verdict: FcmVerdict | undefined;
      const outcome = await client.send({
        instanceId,
        origin,
        path: pathOf(sender),
        headers: headersWith(token.token),
        body,
        timeoutMs: Math.max(1, endsAt - performance.now()),
        outcomeOf: (response) => {
          verdict = verdictOf(response);
          return verdict.kind === 'outcome' ? verdict.outcome : unauthorized(verdict.reason);
        },
      });
      if (verdict?.kind === 'token-refused') tokens.forget(sender, token.token);
      if (verdict?.kind === 'token-refused' && attempt === 1) continue;
      if (outcome.kind === 'unauthorized') return pause.refused(sender, instanceId, outcome.reason);
      if (outcome.kind === 'accepted') pause.accepted(sender, instanceId);
      return outcome;
    }
  };

  return {
    deliver(batch) {
      const encode = encodeMessage(batch);
      const endsAt = performance.now() + deadlineMs;
      return batch.devices.map(({ address }) =>
        inFlight.add(batch.instanceId, origin, send(batch, encode(address), endsAt)),
      );
    },
    async check(sender) {
      const token = await tokens.get(sender, deadlineMs);
      if (token.kind === 'failed') return { kind: 'unknown', reason: token.reason };
      if (token.kind === 'refused') return token;
      const response = await connections.request({
        origin,
        path: pathOf(sender),
        headers: headersWith(token.token),
        body: Buffer.from(JSON.stringify({ validate_only: true, message: { token: 'pharos-checks-credentials' } })),
        timeoutMs: deadlineMs,
      });
      return answerToCheck(response);
    },
    async close() {
      await inFlight.settled();
      await connections.close();
    },
  };
}

const pathOf = ({ projectId }: FcmCredentials): string => `/v1/projects/${encodeURIComponent(projectId)}/messages:send`;

const headersWith = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

const unauthorized = (reason: string): DeliveryOutcome => ({ kind: 'unauthorized', reason, retryAfterMs: 0 });

/** Nobody has the token that was asked about: credentials that are taken get 400, a project that is not there 404. */
function answerToCheck(response: PushResponse): Awaited<ReturnType<PhoneGateway<FcmContent, FcmCredentials>['check']>> {
  const verdict = verdictOf(response);
  if (verdict.kind !== 'outcome') return { kind: 'refused', reason: verdict.reason };
  const { outcome } = verdict;
  if (outcome.kind === 'accepted' || outcome.kind === 'gone') return { kind: 'accepted' };
  const status = response.kind === 'response' ? response.status : null;
  if (outcome.kind !== 'rejected' || status === null) return { kind: 'unknown', reason: outcome.reason };
  return status === 400 ? { kind: 'accepted' } : { kind: 'refused', reason: outcome.reason };
}

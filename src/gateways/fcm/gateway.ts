import type { Clock } from '../../core/ports/clock.ts';
import type { FcmContent, FcmCredentials, PhoneGateway } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import type { PushConnections, PushResponse } from '../../core/ports/push-connections.ts';
import { createDeliveriesInFlight } from '../push-client/deliveries-in-flight.ts';
import { createPhoneSender } from '../push-client/phone-sender.ts';
import { createPushClient } from '../push-client/push-client.ts';
import { createRejectionNotices } from '../push-client/rejection-notices.ts';
import { createAccessTokens } from './access-tokens.ts';
import { verdictOf } from './errors.ts';
import { encodeMessage } from './message.ts';

export interface FcmGatewayDeps {
  readonly connections: PushConnections;
  /** Requests in flight to FCM for one project. */
  readonly windowPerOrigin: number;
  /** For one delivery, waiting for a token included. */
  readonly deadlineMs: number;
  /** How long a platform pauses whose credentials were refused; a minute when left out. */
  readonly credentialsPauseMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const origin = 'https://fcm.googleapis.com';

/** FCM's HTTP v1 API (firebase.google.com, FCM REST API, `projects.messages`). Closing it closes the connections. */
export function createFcmGateway(deps: FcmGatewayDeps): PhoneGateway<FcmContent, FcmCredentials> {
  const { connections, clock, log, deadlineMs } = deps;
  const tokens = createAccessTokens({ connections, clock });
  const send = createPhoneSender({ platform: 'fcm', clock, log, pauseMs: deps.credentialsPauseMs });
  const notifyRejection = createRejectionNotices(deps);
  const client = createPushClient({ connections, windowPerOrigin: deps.windowPerOrigin, notifyRejection });
  const inFlight = createDeliveriesInFlight(log);

  return {
    deliver(batch) {
      const { instanceId, sender } = batch;
      const encode = encodeMessage(batch);
      const push = {
        ...{ instanceId, origin, path: pathOf(sender), headers, verdictOf, endsAt: performance.now() + deadlineMs },
        // Quotas are those of a project: one that is over its own is no reason to send less for others.
        window: `${origin} ${sender.projectId}`,
        app: '',
        scheme: 'Bearer' as const,
        proof: (timeoutMs: number) => tokens.get(sender, timeoutMs),
        replaceToken: (token: string) => tokens.forget(sender, token),
      };
      return batch.devices.map(({ address }) =>
        inFlight.add(instanceId, origin, send(client, sender, { ...push, body: encode(address) })),
      );
    },
    async check(sender) {
      const token = await tokens.get(sender, deadlineMs);
      if (token.kind === 'failed') return { kind: 'unknown', reason: token.reason };
      if (token.kind === 'refused') return token;
      const response = await connections.request({
        origin,
        path: pathOf(sender),
        headers: { ...headers, authorization: `Bearer ${token.token}` },
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

const headers = { 'content-type': 'application/json' };

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

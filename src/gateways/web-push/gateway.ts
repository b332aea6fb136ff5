import type { Clock } from '../../core/ports/clock.ts';
import type { DeviceAddress } from '../../core/ports/device-store.ts';
import type { DeliveryOutcome, Gateway, GatewayBatch, WebContent, WebSender } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import type { PushConnections } from '../../core/ports/push-connections.ts';
import type { PushEndpointRules } from '../../core/ports/push-endpoint-rules.ts';
import { createPushClient } from '../push-client/push-client.ts';
import { createRejectionNotices } from '../push-client/rejection-notices.ts';
import { bodyBytes, maxBodyBytes, maxPayloadBytes } from './encryption.ts';
import { EncryptionPool } from './encryption-pool.ts';
import { outcomeOf } from './errors.ts';
import { encodePayload } from './payload.ts';
import { type Authorize, createVapid } from './vapid.ts';

export interface WebPushGatewayDeps {
  readonly connections: PushConnections;
  readonly rules: PushEndpointRules;
  readonly encryptionThreads: number;
  /** Requests in flight to one push service. */
  readonly windowPerOrigin: number;
  /** For one delivery, encryption and waiting included. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** `mailto:` or `https:` URI by which push services can reach the operator. */
  readonly contact?: string;
}

/** Web push: RFC 8030, 8188, 8291 and 8292. Closing it closes the connections. */
export function createWebPushGateway(deps: WebPushGatewayDeps): Gateway<WebContent, WebSender> {
  const { connections, rules, deadlineMs, log } = deps;
  const encryption = new EncryptionPool(deps.encryptionThreads);
  const vapid = createVapid(deps);
  const notifyRejection = createRejectionNotices(deps);
  const client = createPushClient({ connections, windowPerOrigin: deps.windowPerOrigin, notifyRejection });
  const inFlight = new Set<Promise<DeliveryOutcome>>();
  /** Batches that have told of a bug: a dead encryption thread fails all their deliveries alike. */
  const told = new WeakSet<GatewayBatch<WebContent, WebSender>>();

  const settledBeforeSending = (instanceId: string, device: DeviceAddress): DeliveryOutcome | URL => {
    const refusal = rules.refusal(device.address);
    const endpoint = URL.parse(device.address);
    if (refusal !== null || !endpoint) {
      const reason = refusal ?? 'endpoint is not a URL';
      notifyRejection('endpoint-rules', { instanceId, origin: endpoint?.origin ?? '', reason });
      return { kind: 'rejected', reason };
    }
    return client.refusal(endpoint.origin) ?? endpoint;
  };

  const deliverEncrypted = async (
    batch: GatewayBatch<WebContent, WebSender>,
    authorize: Authorize,
    endpoint: URL,
    encrypted: Promise<Uint8Array | null>,
    startedAt: number,
  ): Promise<DeliveryOutcome> => {
    try {
      const body = await encrypted;
      if (!body) return { kind: 'rejected', reason: 'the subscription keys are not valid' };
      const timeoutMs = deadlineMs - (performance.now() - startedAt);
      if (timeoutMs <= 0) return { kind: 'failed', reason: 'not encrypted in time', retryAfterMs: null };
      const headers = pushHeaders(batch, authorize(endpoint.origin));
      return await client.send({
        instanceId: batch.instanceId,
        origin: endpoint.origin,
        window: endpoint.origin,
        path: endpoint.pathname + endpoint.search,
        headers,
        body,
        timeoutMs,
        outcomeOf: (response) => outcomeOf(endpoint.origin, response),
      });
    } catch (error) {
      if (!told.has(batch)) log.error('push.broken', { instanceId: batch.instanceId, origin: endpoint.origin, error });
      told.add(batch);
      return { kind: 'failed', reason: 'internal error', retryAfterMs: null };
    }
  };

  return {
    deliver(batch) {
      const payload = encodePayload(batch);
      if (payload.length > maxPayloadBytes) {
        const reason =
          `payload of ${payload.length} bytes makes a body of ${bodyBytes(payload.length)}, ` +
          `more than the ${maxBodyBytes} that push services take`;
        return batch.devices.map(() => Promise.resolve<DeliveryOutcome>({ kind: 'rejected', reason }));
      }
      const startedAt = performance.now();
      const plans = batch.devices.map((device) => settledBeforeSending(batch.instanceId, device));
      const keys = batch.devices.filter((_, index) => plans[index] instanceof URL).map((device) => device.keys);
      const bodies = encryption.encrypt(payload, keys).values();
      const authorize = vapid(batch.sender.vapid);
      return plans.map((plan) => {
        const outcome =
          plan instanceof URL
            ? deliverEncrypted(batch, authorize, plan, bodies.next().value as Promise<Uint8Array | null>, startedAt)
            : Promise.resolve(plan);
        inFlight.add(outcome);
        void outcome.then(() => inFlight.delete(outcome));
        return outcome;
      });
    },
    async close() {
      await Promise.all(inFlight);
      await Promise.all([connections.close(), encryption.close()]);
    },
  };
}

/** RFC 8030, section 5; RFC 8291, section 4; RFC 8292, section 3. */
const pushHeaders = (
  { content, timeToLiveSeconds }: GatewayBatch<WebContent, WebSender>,
  authorization: string,
): Record<string, string> => ({
  ttl: String(Math.max(0, Math.floor(timeToLiveSeconds))),
  urgency: content.urgency ?? 'normal',
  ...(content.topic === undefined ? {} : { topic: content.topic }),
  'content-encoding': 'aes128gcm',
  'content-type': 'application/octet-stream',
  authorization,
});

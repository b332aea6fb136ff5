import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';

/** Deliveries that a gateway has begun: none rejects, and closing waits for them. */
export function createDeliveriesInFlight(log: Log) {
  const inFlight = new Set<Promise<DeliveryOutcome>>();
  return {
    /** A bug is told, and the delivery tried again like one that failed. */
    add(instanceId: string, origin: string, delivery: Promise<DeliveryOutcome>): Promise<DeliveryOutcome> {
      const outcome = delivery.catch((error: unknown): DeliveryOutcome => {
        log.error('push.broken', { instanceId, origin, error });
        return { kind: 'failed', reason: 'internal error', retryAfterMs: null };
      });
      inFlight.add(outcome);
      void outcome.then(() => inFlight.delete(outcome));
      return outcome;
    },
    settled: () => Promise.all(inFlight),
  };
}

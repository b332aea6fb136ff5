import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushConnections } from '../../core/ports/push-connections.ts';
import { outcomeOf } from './errors.ts';
import type { NotifyRejection } from './rejection-notices.ts';
import { createOriginWindow, type OriginWindow } from './origin-window.ts';
import { windowWaitMs } from './settings.ts';

export interface PushClientDeps {
  readonly connections: PushConnections;
  readonly windowPerOrigin: number;
  readonly notifyRejection: NotifyRejection;
}

export interface Push {
  readonly instanceId: string;
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Waiting for a place included. */
  readonly timeoutMs: number;
}

export interface PushClient {
  /** What becomes of a delivery that would find no place; null when it is worth encrypting. */
  refusal(origin: string): DeliveryOutcome | null;
  send(push: Push): Promise<DeliveryOutcome>;
}

/** Sends encrypted pushes; an origin that hangs fills only its own window. */
export function createPushClient({ connections, windowPerOrigin, notifyRejection }: PushClientDeps): PushClient {
  const windows = new Map<string, OriginWindow>();
  const windowFull = (origin: string): DeliveryOutcome => ({
    kind: 'failed',
    reason: `${origin}: window full`,
    retryAfterMs: null,
  });

  return {
    refusal: (origin) => (windows.get(origin)?.full() ? windowFull(origin) : null),
    async send({ instanceId, endpoint, headers, body, timeoutMs }) {
      const { origin } = endpoint;
      const startedAt = performance.now();
      let window = windows.get(origin);
      if (!window) windows.set(origin, (window = createOriginWindow(windowPerOrigin)));
      if (!(await window.enter(Math.min(windowWaitMs, timeoutMs)))) return windowFull(origin);
      try {
        const response = await connections.request({
          origin,
          path: endpoint.pathname + endpoint.search,
          headers,
          body,
          timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedAt)),
        });
        const outcome = outcomeOf(origin, response);
        if (outcome.kind === 'rejected') {
          const cause = response.kind === 'response' ? response.status : response.reason;
          notifyRejection(cause, { instanceId, origin, reason: outcome.reason });
        }
        return outcome;
      } finally {
        window.leave();
        if (window.idle()) windows.delete(origin);
      }
    },
  };
}

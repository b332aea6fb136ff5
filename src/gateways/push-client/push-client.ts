import type { DeliveryOutcome } from '../../core/ports/gateway.ts';
import type { PushConnections, PushResponse } from '../../core/ports/push-connections.ts';
import type { NotifyRejection } from './rejection-notices.ts';
import { createOriginWindow, type OriginWindow } from './origin-window.ts';

/** A delivery that finds no place in its origin's window within this time gives way and is retried later. */
const windowWaitMs = 2_000;
/** So many are remembered. */
const maxWindows = 1_000;

export interface PushClientDeps {
  readonly connections: PushConnections;
  /** Requests in flight through one window. */
  readonly windowPerOrigin: number;
  readonly notifyRejection: NotifyRejection;
}

export interface Push {
  readonly instanceId: string;
  readonly origin: string;
  /** Pushes with the same one take places in one window. */
  readonly window: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Waiting for a place included. */
  readonly timeoutMs: number;
  /** What the service's answer means. */
  readonly outcomeOf: (response: PushResponse) => DeliveryOutcome;
}

export interface PushClient {
  /** What becomes of a delivery that would find no place; null when it is worth encrypting. */
  refusal(window: string): DeliveryOutcome | null;
  send(push: Push): Promise<DeliveryOutcome>;
}

/** Sends pushes; what hangs fills only its own window. */
export function createPushClient({ connections, windowPerOrigin, notifyRejection }: PushClientDeps): PushClient {
  const windows = new Map<string, OriginWindow>();
  const windowFull = (name: string): DeliveryOutcome => ({
    kind: 'failed',
    reason: `${name}: window full`,
    retryAfterMs: null,
  });

  const openWindow = (name: string): OriginWindow => {
    if (windows.size >= maxWindows) {
      // One that only failed is remembered; nothing but that is lost.
      const forgotten = [...windows].find(([, window]) => !window.busy());
      if (forgotten) windows.delete(forgotten[0]);
    }
    const window = createOriginWindow(windowPerOrigin);
    windows.set(name, window);
    return window;
  };

  return {
    refusal: (name) => (windows.get(name)?.full() ? windowFull(name) : null),
    async send({ instanceId, origin, window: name, path, headers, body, timeoutMs, outcomeOf }) {
      const startedAt = performance.now();
      const window = windows.get(name) ?? openWindow(name);
      if (!(await window.enter(Math.min(windowWaitMs, timeoutMs)))) return windowFull(name);
      let answered = false;
      try {
        const response = await connections.request({
          origin,
          path,
          headers,
          body,
          timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedAt)),
        });
        const outcome = outcomeOf(response);
        answered = outcome.kind !== 'failed' && outcome.kind !== 'throttled';
        if (outcome.kind === 'rejected') {
          const cause = response.kind === 'response' ? response.status : response.reason;
          notifyRejection(cause, { instanceId, origin, reason: outcome.reason });
        }
        return outcome;
      } finally {
        window.leave(answered);
        if (window.idle()) windows.delete(name);
      }
    },
  };
}

import type { HttpHandler } from '../support/http-handler.ts';
import { chosenBy } from './seeded.ts';

/** One request of a webhook as its target saw it. */
export interface TargetRequest {
  readonly at: number;
  /** Message id; for publish webhooks, which carry none, publish id and status. */
  readonly key: string;
  /** Event type, or status of a publish webhook. */
  readonly kind: string;
  readonly publishId: string;
  /** Null for events about a whole publish. */
  readonly user: string | null;
  /** Null for publish webhooks. */
  readonly eventId: string | null;
  readonly body: string;
  /** What was answered; the server may be dead by then. */
  readonly status: number;
}

export interface FailingTargets {
  readonly host: string;
  readonly handler: HttpHandler;
  readonly requests: readonly TargetRequest[];
  /** Called once a request was counted, before it is answered. */
  readonly watchers: Set<(request: TargetRequest) => void>;
}

interface AnyWebhook {
  readonly publishId?: string;
  readonly status?: string;
  readonly payload?: { readonly publish_id: string; readonly user_id?: string };
  readonly metadata?: { readonly event_id: string };
}

/** A customer's backend that refuses the first 0 to 5 requests of each message, chosen by the seed and its id. */
export function createFailingTargets(seed: number): FailingTargets {
  const seen = new Map<string, number>();
  const requests: TargetRequest[] = [];
  const targets: FailingTargets = {
    host: 'backend.customer.example',
    requests,
    watchers: new Set(),
    handler({ headers, body }) {
      const text = body.toString();
      const { publishId, status, payload, metadata } = JSON.parse(text) as AnyWebhook;
      const publish = publishId ?? payload?.publish_id ?? '';
      const key = String(headers['webhook-request-id-uuid'] ?? `${publish} ${status}`);
      const before = seen.get(key) ?? 0;
      seen.set(key, before + 1);
      const refusal = chosenBy(2, seed, key, before) === 0 ? 500 : 404;
      const request: TargetRequest = {
        at: Date.now(),
        key,
        kind: String(headers['webhook-event-type'] ?? status),
        publishId: publish,
        user: payload?.user_id ?? null,
        eventId: metadata?.event_id ?? null,
        body: text,
        status: before < chosenBy(6, seed, key) ? refusal : 200,
      };
      requests.push(request);
      for (const watch of targets.watchers) watch(request);
      return { status: request.status };
    },
  };
  return targets;
}

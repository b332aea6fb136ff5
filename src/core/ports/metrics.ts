import type { Platform } from '../../protocol/ids.ts';
import type { FinalOutcome } from './publish-store.ts';
import type { IgnoredReason, ReportKind } from './report-store.ts';

/** Counts what happened, for who watches the server: implemented by `metrics`. Nothing here throws or waits. */
export interface Metrics {
  publishRequested(result: 'accepted' | 'replayed' | 'reached-nobody'): void;
  /** One attempt to reach a device; `deferred`: it is tried again. */
  deliveryAttempted(platform: Platform, outcome: FinalOutcome | 'deferred'): void;
  /** `unknown`: what it was is not looked at when its ids cannot be any device's or publish's. */
  reportReceived(kind: ReportKind | 'unknown', result: 'recorded' | 'repeat' | IgnoredReason): void;
  webhookAttempted(attempt: EndedWebhookAttempt): void;
  requestAnswered(request: AnsweredRequest): void;
  committed(commit: Commit): void;
}

/** One HTTP request to a webhook, with one message or many. */
export interface EndedWebhookAttempt {
  /** What became of its messages; `lost`: somebody else had them by then. */
  readonly outcome: 'delivered' | 'retry' | 'exhausted' | 'held' | 'lost';
  /** Null: there was no answer. */
  readonly status: number | null;
  readonly durationMs: number;
  /** Of each message that was delivered, from when it was written. */
  readonly delaysMs: readonly number[];
}

/** A request that a listener has answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of its path, like `/publish_api/v1/instances/:instance/publishes`; null when there is none. */
  readonly route: string | null;
  readonly status: number;
  readonly durationMs: number;
}

/** A transaction of the store: the commands of many callers. */
export interface Commit {
  readonly items: number;
  readonly durationMs: number;
  /** False: nothing was written, the callers were told that the store is unavailable. */
  readonly written: boolean;
}

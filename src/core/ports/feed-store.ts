import type { EventType } from '../../protocol/event-types.ts';
import type { EventReference } from './message-store.ts';

/** Where a reader of the feed goes on, or begins. */
export type FeedStart =
  | { readonly kind: 'cursor'; readonly cursor: string }
  /** The oldest event that is kept, or only what is yet to come. */
  | { readonly kind: 'beginning' | 'now' }
  /** What was committed since (milliseconds since 1970). */
  | { readonly kind: 'time'; readonly at: number };

export interface FeedEvent extends EventReference {
  readonly eventType: EventType;
  /** To go on after this event. */
  readonly cursor: string;
}

export interface FeedPage {
  /**
   * In the order of their commits: what commits later comes later, whenever it began. So nobody who goes on from a cursor
   * misses an event.
   */
  readonly events: readonly FeedEvent[];
  /** To go on after the page; made and understood by the store alone. */
  readonly cursor: string;
  /** The page ended at its limit. */
  readonly more: boolean;
  /** Events since `start` are not kept any more, or the feed was off: what follows is not all. */
  readonly truncated: boolean;
}

export interface FeedQueries {
  /** `off`: the instance has no feed. */
  readFeed(query: {
    readonly instanceId: string;
    readonly start: FeedStart;
    readonly limit: number;
  }): Promise<FeedPage | 'off' | 'malformed-cursor'>;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { EventType } from '../../protocol/event-types.ts';
import type { FeedEvent, FeedPage, FeedQueries, FeedStart } from '../ports/feed-store.ts';
import type { RenderFeedDeps } from './render-feed-page.ts';
import { renderFeedPage } from './render-feed-page.ts';

export interface EventFeedDeps extends RenderFeedDeps {
  readonly store: FeedQueries & RenderFeedDeps['store'];
}

export interface ReadEvents {
  readonly instanceId: string;
  readonly start: FeedStart;
  /** Most events in the answer. */
  readonly limit: number;
  /** Null: all. */
  readonly types: ReadonlySet<EventType> | null;
  /** How long to wait for an event when there is none; 0: not at all. */
  readonly waitMs: number;
  /** Nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

export interface EventPage {
  readonly kind: 'page';
  /** Each a Beams envelope, as JSON. */
  readonly events: readonly string[];
  /** To go on after the page. */
  readonly cursor: string;
  /** Events since the start are not kept any more. */
  readonly truncated: boolean;
}

/** Readers at once, waiting or not: each costs a connection, and a query whenever something happens. */
const maxReadersPerInstance = 16;
const maxReaders = 1_000;
/** With a filter by type, events are looked through in such pages, and so many of them for one answer. */
const scannedAtATime = 1_000;
const maxPages = 20;
/** What a command has written that nobody waits for, such as the end of a canceled publish, is found so soon. */
const lookAgainMs = 1_000;

/** Lets instances' servers read their events, and wait for them, until stopped. */
export class EventFeed {
  readonly #deps: EventFeedDeps;
  readonly #readers = new Map<string, number>();
  readonly #wakings = new Map<string, PromiseWithResolvers<void>>();
  readonly #stopped = new AbortController();
  #readerCount = 0;

  constructor(deps: EventFeedDeps) {
    this.#deps = deps;
  }

  /** An event of the instance was committed. */
  wake(instanceId: string): void {
    this.#wakings.get(instanceId)?.resolve();
    this.#wakings.delete(instanceId);
  }

  /** Answers everybody who waits. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Events after `start`, as soon as there is one. May be empty although more is to come: the reader goes on with the
   * cursor. Rejects with `StoreUnavailable`.
   */
  async read(
    input: ReadEvents,
  ): Promise<EventPage | { readonly kind: 'off' | 'malformed-cursor' | 'too-many-readers' }> {
    const { instanceId } = input;
    const readers = this.#readers.get(instanceId) ?? 0;
    if (readers >= maxReadersPerInstance || this.#readerCount >= maxReaders) return { kind: 'too-many-readers' };
    this.#count(instanceId, 1);
    try {
      return await this.#poll(input);
    } finally {
      this.#count(instanceId, -1);
    }
  }

  async #poll(input: ReadEvents): Promise<EventPage | { readonly kind: 'off' | 'malformed-cursor' }> {
    const { instanceId, limit, types, signal } = input;
    const ended = AbortSignal.any([signal, this.#stopped.signal]);
    const deadline = performance.now() + input.waitMs;
    let { start } = input;
    let truncated = false;
    for (let page = 1; ; page += 1) {
      const woken = this.#waking(instanceId);
      const found = await this.#deps.store.readFeed({ instanceId, start, limit: types ? scannedAtATime : limit });
      if (typeof found === 'string') return { kind: found };
      truncated ||= found.truncated;
      const chosen = choose(found, types, limit);
      const rendered = await renderFeedPage(this.#deps, chosen);
      truncated ||= rendered.truncated;
      const { events, cursor } = rendered;
      const leftMs = deadline - performance.now();
      const isLast = found.more ? page >= maxPages : leftMs <= 0;
      if (events.length > 0 || isLast || ended.aborted) return { kind: 'page', events, cursor, truncated };
      start = { kind: 'cursor', cursor };
      if (found.more) continue;
      page = 0;
      await wokenWithin(woken, Math.min(leftMs, lookAgainMs), ended);
    }
  }

  #waking(instanceId: string): Promise<void> {
    let waking = this.#wakings.get(instanceId);
    if (!waking) this.#wakings.set(instanceId, (waking = Promise.withResolvers()));
    return waking.promise;
  }

  #count(instanceId: string, change: 1 | -1): void {
    this.#readerCount += change;
    const readers = (this.#readers.get(instanceId) ?? 0) + change;
    if (readers > 0) {
      this.#readers.set(instanceId, readers);
    } else {
      this.#readers.delete(instanceId);
      this.#wakings.delete(instanceId);
    }
  }
}

/** What of a page is wanted; its cursor goes on after the last event that is. */
function choose(
  page: FeedPage,
  types: ReadonlySet<EventType> | null,
  limit: number,
): { readonly events: readonly FeedEvent[]; readonly cursor: string } {
  const wanted = types ? page.events.filter(({ eventType }) => types.has(eventType)) : page.events;
  const events = wanted.slice(0, limit);
  return { events, cursor: wanted.length > limit ? (events.at(-1)?.cursor ?? page.cursor) : page.cursor };
}

async function wokenWithin(woken: Promise<void>, ms: number, ended: AbortSignal): Promise<void> {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: AbortSignal.any([ended, over.signal]) }).catch(() => undefined);
  await Promise.race([woken, late]);
  over.abort();
}

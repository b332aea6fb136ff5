import { StoreUnavailable } from '../ports/command.ts';
import type { FeedEvent } from '../ports/feed-store.ts';
import type { Log } from '../ports/log.ts';
import { rememberPublishes } from '../webhooks/remember-publishes.ts';
import type { RenderEventDeps } from '../webhooks/render-event.ts';
import { renderEvent } from '../webhooks/render-event.ts';
import { renderWebhookBody } from '../webhooks/render-message.ts';

/** An event about a publish to a thousand users may have 200 KB; then an answer has fewer events than were asked for. */
const maxLength = 4 * 1024 * 1024;

export interface RenderFeedDeps extends RenderEventDeps {
  readonly log: Log;
}

export interface RenderedPage {
  readonly events: readonly string[];
  readonly cursor: string;
  /** Some events cannot be told any more. */
  readonly truncated: boolean;
}

/** Beams envelopes of a page's events. Those about erased users are left out, as webhooks leave them out. */
export async function renderFeedPage(
  deps: RenderFeedDeps,
  page: { readonly events: readonly FeedEvent[]; readonly cursor: string },
): Promise<RenderedPage> {
  const publishes = rememberPublishes(deps.store);
  const events: string[] = [];
  let length = 0;
  let truncated = false;
  let cursor: string | null = null;
  for (const event of page.events) {
    const envelope = await renderEnvelope({ ...deps, store: publishes }, event);
    truncated ||= envelope.kind === 'untellable';
    if (envelope.kind === 'told') {
      length += envelope.text.length;
      if (events.length > 0 && length > maxLength) return { events, cursor: cursor ?? page.cursor, truncated };
      events.push(envelope.text);
    }
    cursor = event.cursor;
  }
  return { events, cursor: page.cursor, truncated };
}

type Envelope = { readonly kind: 'told'; readonly text: string } | { readonly kind: 'user-erased' | 'untellable' };

async function renderEnvelope(deps: RenderFeedDeps, event: FeedEvent): Promise<Envelope> {
  try {
    const payload = await renderEvent(deps, event);
    if (payload === 'user-erased') return { kind: payload };
    return { kind: 'told', text: JSON.stringify(renderWebhookBody(event, payload, {})) };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    // Its publish or its device was deleted before it, or cannot be opened: the events after it are not to wait for that.
    const { instanceId, eventId, eventType } = event;
    deps.log.warn('feed.event-failed', { instanceId, eventId, eventType, error });
    return { kind: 'untellable' };
  }
}

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
    const text = await renderEnvelope({ ...deps, store: publishes }, event);
    if (text === null) truncated = true;
    if (text !== null && text !== 'user-erased') {
      if (length > 0 && length + text.length > maxLength) return { events, cursor: cursor ?? page.cursor, truncated };
      length += text.length;
      events.push(text);
    }
    cursor = event.cursor;
  }
  return { events, cursor: page.cursor, truncated };
}

/** Null when it cannot be told any more. */
async function renderEnvelope(deps: RenderFeedDeps, event: FeedEvent): Promise<string | 'user-erased' | null> {
  try {
    const payload = await renderEvent(deps, event);
    return payload === 'user-erased' ? payload : JSON.stringify(renderWebhookBody(event, payload, {}));
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    // Its publish or its device was deleted before it, or cannot be opened: the events after it are not to wait for that.
    const { instanceId, eventId, eventType } = event;
    deps.log.warn('feed.event-failed', { instanceId, eventId, eventType, error });
    return null;
  }
}

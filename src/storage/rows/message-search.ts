import type { MessageFilter } from '../../core/ports/message-store.ts';
import { firstUuidOf } from './first-uuid.ts';
import type { MessageRow } from './message-row.ts';
import { greatestUuid } from './uuid-bounds.ts';

/** So much is looked at in one go: a search of what is rare answers in between, and others have their turn. */
export const maxRowsLookedAt = 10_000;
export const rowsAtATime = 1_000;
/** What is in a batch with a message is looked for among so many of its target before it, and after it. */
export const neighboursLookedAt = maxRowsLookedAt / 2;

/** What is looked for is before this id. */
export function endOfSearch(before: string | undefined, until: number | undefined): string {
  const id = before ?? greatestUuid;
  if (until === undefined) return id;
  const first = firstUuidOf(until);
  return first < id ? first : id;
}

/** What the index that is walked along does not see to by itself. */
export const matches = ({ webhookId, publishId, eventType, state }: MessageFilter, row: MessageRow): boolean =>
  (webhookId === undefined || row.target === webhookId) &&
  (publishId === undefined || row.publish_id === publishId) &&
  (eventType === undefined || row.event_type === eventType) &&
  (state === undefined || row.state === state);

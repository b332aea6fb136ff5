import * as z from 'zod';
import type { ReadEvents } from '../../core/feed/event-feed.ts';
import type { FeedStart } from '../../core/ports/feed-store.ts';
import { eventTypes } from '../../protocol/event-types.ts';
import type { BeamsAnswer } from '../beams/beams-answer.ts';
import { refuse } from '../beams/beams-answer.ts';

const maxLimit = 1_000;
/** Proxies commonly end a request that is silent for longer. */
const maxWaitSeconds = 60;

const wholeNumber = (least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z
    .string({ error })
    .regex(/^[0-9]{1,9}$/, { error })
    .transform(Number)
    .pipe(z.number().min(least, { error }).max(most, { error }));
};

const expectedTypes = `expected a list, separated by commas, of ${eventTypes.join(', ')}`;
const expectedFrom = 'expected beginning, now or a time like 2026-01-31T12:00:00Z';
const instant = z.iso.datetime({ offset: true, error: expectedFrom });

const feedQuery = z.strictObject(
  {
    after: z.string({ error: 'expected one cursor' }).exactOptional(),
    from: z.union([z.enum(['beginning', 'now']), instant], { error: expectedFrom }).exactOptional(),
    limit: wholeNumber(1, maxLimit).default(100),
    wait: wholeNumber(0, maxWaitSeconds).default(0),
    types: z
      .string({ error: expectedTypes })
      .transform((list) => list.split(','))
      .pipe(z.array(z.enum(eventTypes, { error: expectedTypes })))
      .exactOptional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? `there is no ${issue.keys.join(', ')}` : undefined) },
);

/** What is asked of the feed, by the query of the URL. */
export function readFeedQuery(
  query: unknown,
): { readonly value: Omit<ReadEvents, 'instanceId' | 'signal'> } | { readonly refusal: BeamsAnswer } {
  const result = feedQuery.safeParse(query);
  if (!result.success) {
    const [issue] = result.error.issues;
    const [field] = issue?.path ?? [];
    const name = field === undefined ? '' : `\`${String(field)}\`: `;
    return { refusal: refuse('malformed-feed-query', `${name}${issue?.message}`) };
  }
  const { after, from, limit, wait, types } = result.data;
  if (after !== undefined && from !== undefined) {
    return { refusal: refuse('malformed-feed-query', '`after` and `from`: expected one of the two') };
  }
  const start: FeedStart = after === undefined ? startOf(from ?? 'beginning') : { kind: 'cursor', cursor: after };
  return { value: { start, limit, types: types ? new Set(types) : null, waitMs: wait * 1000 } };
}

const startOf = (from: string): FeedStart =>
  from === 'beginning' || from === 'now' ? { kind: from } : { kind: 'time', at: Date.parse(from) };

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EventFeed } from '../../core/feed/event-feed.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { BeamsAnswer } from '../beams/beams-answer.ts';
import { refuse, sendAnswer, sendLater } from '../beams/beams-answer.ts';
import type { Instances } from '../beams/instance-access.ts';
import { instanceIdOf, requireSecretKey } from '../beams/instance-access.ts';
import { readFeedQuery } from './feed-query.ts';

export interface FeedRoutesDeps {
  readonly feed: Pick<EventFeed, 'read'>;
  readonly instances: Instances;
  readonly clock: Clock;
}

const retryAfterMs = 5_000;

/**
 * An instance's events for its own servers, which pull: `docs/webhooks.md`. With the secret key and the errors of Beams'
 * publish API.
 */
export const feedRoutes =
  (deps: FeedRoutesDeps): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', requireSecretKey(deps, 'malformed-instance-id'));
    app.get('/events/v1/instances/:instance/events', (request, reply) => readEvents(deps, request, reply));
  };

async function readEvents(
  { feed }: FeedRoutesDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = readFeedQuery(request.query);
  if ('refusal' in query) return sendAnswer(reply, query.refusal);
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const page = await feed.read({ ...query.value, instanceId: instanceIdOf(request), signal: gone.signal });
  switch (page.kind) {
    case 'off':
      return sendAnswer(reply, refuse('feed-off'));
    case 'malformed-cursor':
      return sendAnswer(reply, refuse('malformed-feed-query', '`after`: expected the cursor of an earlier answer'));
    case 'too-many-readers':
      return sendLater(reply, refuse('too-many-feed-readers'), retryAfterMs);
    case 'page': {
      const { events, cursor, truncated } = page;
      const body = `{"events":[${events.join(',')}],"cursor":${JSON.stringify(cursor)},"truncated":${truncated}}`;
      const answer: BeamsAnswer = { status: 200, body };
      return sendAnswer(reply, answer);
    }
  }
}

import type { FastifyInstance } from 'fastify';
import { clientKey } from '../http/client-key.ts';
import type { RateLimiter } from '../http/rate-limiter.ts';
import { refuse, sendLater } from './beams-answer.ts';
import { instanceIdOf } from './instance-access.ts';

/** Who may ask how often. */
export interface RequestLimits {
  /** By instance. */
  readonly publishes: Pick<RateLimiter, 'take'>;
  /** By client address: the device API. */
  readonly devices: Pick<RateLimiter, 'take'>;
  /** By client address: the reporting API. */
  readonly reports: Pick<RateLimiter, 'take'>;
}

/**
 * "429 Rate Limited: over 100 requests a second (per instance, configurable, with `Retry-After`)". To be added after the
 * check of the secret key: strangers use up nobody's allowance.
 */
export function limitPublishes(app: FastifyInstance, { publishes }: RequestLimits): void {
  app.addHook('onRequest', (request, reply, done) => {
    const waitMs = publishes.take(instanceIdOf(request));
    if (waitMs === null) done();
    else sendLater(reply, refuse('rate-limited'), waitMs);
  });
}

/** APIs without a key: by client address, before anything is looked up. Pages can read the refusal, whatever their origin. */
export function limitClients(
  app: FastifyInstance,
  limiter: Pick<RateLimiter, 'take'>,
  refusal: 'rate-limited' | 'report-shed',
): void {
  app.addHook('onRequest', (request, reply, done) => {
    const waitMs = limiter.take(clientKey(request));
    if (waitMs === null) done();
    else sendLater(reply.header('access-control-allow-origin', '*'), refuse(refusal), waitMs);
  });
}

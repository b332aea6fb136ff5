import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { GoneBrake, PushOriginView } from '../../core/delivery/gone-brake.ts';
import { AdminFailure } from './admin-failure.ts';
import { parseInput } from './parse-input.ts';

export interface PushOriginRoutesDeps {
  readonly brake: Pick<GoneBrake, 'list' | 'resume'>;
}

const resumption = z.strictObject({ origin: z.string() });

/** Push services that call too many devices gone, and the operator's word that they are right. */
export function pushOriginRoutes(app: FastifyInstance, { brake }: PushOriginRoutesDeps): void {
  app.get('/push-origins', async () => ({ pushOrigins: brake.list().map(renderPushOrigin) }));

  app.post('/push-origins/resume', async ({ body }) => {
    const { origin } = parseInput(resumption, body);
    const resumed = await brake.resume(origin);
    if (!resumed) throw new AdminFailure('push-origin-not-braked', `Removal is not paused for ${origin}.`);
    return renderPushOrigin(resumed);
  });
}

export const renderPushOrigin = ({ since, ...origin }: PushOriginView) => ({
  ...origin,
  since: since === null ? null : new Date(since).toISOString(),
});

import type { FastifyPluginAsync } from 'fastify';
import type { DeviceApiDeps } from './device-api.ts';
import { deviceApi } from './device-api.ts';
import type { PublishApiDeps } from './publish-api.ts';
import { publishApi } from './publish-api.ts';
import type { ReportingApiDeps } from './reporting-api.ts';
import { reportingApi } from './reporting-api.ts';
import type { UserDeletionDeps } from './user-deletion.ts';
import { userDeletion } from './user-deletion.ts';

/** What the APIs of the Beams wire need, together. */
export interface BeamsDeps extends PublishApiDeps, DeviceApiDeps, UserDeletionDeps, ReportingApiDeps {
  readonly store: PublishApiDeps['store'] & DeviceApiDeps['store'] & ReportingApiDeps['store'];
  readonly ids: PublishApiDeps['ids'];
  readonly metrics: PublishApiDeps['metrics'] & ReportingApiDeps['metrics'];
}

/** Every route of Pusher Beams' APIs; each API is encapsulated with hooks of its own. */
export const beamsRoutes =
  (deps: BeamsDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(publishApi(deps));
    await app.register(deviceApi(deps));
    await app.register(userDeletion(deps));
    await app.register(reportingApi(deps));
  };

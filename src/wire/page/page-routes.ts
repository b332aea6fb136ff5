import type { FastifyPluginAsync } from 'fastify';
import type { PageDeviceDeps } from './page-devices.ts';
import { pageDevices } from './page-devices.ts';
import type { PageReportDeps } from './page-reports.ts';
import { pageReports } from './page-reports.ts';

export interface PageDeps extends PageDeviceDeps, PageReportDeps {
  readonly instances: PageDeviceDeps['instances'];
  readonly store: PageDeviceDeps['store'] & PageReportDeps['store'];
}

/**
 * What our page and worker scripts say to the server: `docs/wire/page-api.md`. Beside Beams' device and reporting APIs,
 * with their errors, their limits, their CORS and their authority: the device id.
 */
export const pageRoutes =
  (deps: PageDeps): FastifyPluginAsync =>
  async (app) => {
    await app.register(pageDevices(deps));
    await app.register(pageReports(deps));
  };

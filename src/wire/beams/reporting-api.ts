import type { FastifyPluginAsync } from 'fastify';
import * as z from 'zod';
import type { IgnoreReportDeps, RecordReportDeps } from '../../core/reports/record-report.ts';
import { ignoreReport, recordReport } from '../../core/reports/record-report.ts';
import { parseDeviceId, parsePublishId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { done } from './beams-answer.ts';
import { expected } from './decode-body.ts';
import type { ReportRouteDeps } from './report-route.ts';
import { addReportRoute, reportFields } from './report-route.ts';

export interface ReportingApiDeps extends RecordReportDeps, IgnoreReportDeps, ReportRouteDeps {
  readonly store: RecordReportDeps['store'] & IgnoreReportDeps['store'];
}

const flag = z.boolean({ error: expected('true, false or null') }).nullish();

const report = z.object({
  // "`delivery`/`open` from web and `Delivery`/`Open` from iOS and Android: any case".
  event: z
    .string({ error: expected('a string') })
    .transform((event) => event.toLowerCase())
    .pipe(z.enum(['delivery', 'open'], { error: 'expected delivery or open' })),
  ...reportFields,
  // "`userId` may be null."
  userId: z.string({ error: expected('a string or null') }).nullish(),
  appInBackground: flag,
  hasDisplayableContent: flag,
  hasData: flag,
});

type Report = z.output<typeof report>;

/** Reporting API: browsers and phones, cross-origin, no key. */
export const reportingApi =
  (deps: ReportingApiDeps): FastifyPluginAsync =>
  async (app) => {
    addReportRoute(app, deps, ['/reporting_api/v2/instances/:instance', '/events'], report, (instanceId, told) =>
      takeReport(deps, instanceId, told),
    );
  };

async function takeReport(
  deps: ReportingApiDeps,
  instanceId: string,
  { event, publishId, deviceId, timestampSecs, userId, ...about }: Report,
): Promise<BeamsAnswer> {
  // "Well formed → 200. Never 404 (Swift recreates the device and resends without end)": ids that cannot be ours and
  // instances that are gone included.
  if (!(await deps.instances.findInstance(instanceId))) return done;
  const publish = parsePublishId(publishId);
  const device = parseDeviceId(deviceId);
  if (publish === null || device === null) {
    await ignoreReport(deps, instanceId, publish === null ? 'unknown-publish' : 'unknown-device');
    return done;
  }
  await recordReport(deps, {
    instanceId,
    publishId: publish,
    ...device,
    kind: event,
    happenedAt: Math.round(timestampSecs * 1000),
    namesUser: Boolean(userId),
    appInBackground: about.appInBackground ?? null,
    hasDisplayableContent: about.hasDisplayableContent ?? null,
    hasData: about.hasData ?? null,
  });
  return done;
}

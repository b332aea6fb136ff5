import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { IgnoreReportDeps, RecordReportDeps } from '../../core/reports/record-report.ts';
import { ignoreReport, recordReport } from '../../core/reports/record-report.ts';
import { parseDeviceId, parsePublishId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering, done } from './beams-answer.ts';
import { allowCrossOrigin } from './cross-origin.ts';
import { decodeBody, expected } from './decode-body.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from './instance-access.ts';
import type { RequestLimits } from './request-limits.ts';
import { limitClients } from './request-limits.ts';

export interface ReportingApiDeps extends RecordReportDeps, IgnoreReportDeps {
  readonly store: RecordReportDeps['store'] & IgnoreReportDeps['store'];
  readonly instances: Instances;
  readonly limits: RequestLimits;
}

const string = z.string({ error: expected('a string') });
const flag = z.boolean({ error: expected('true, false or null') }).nullish();
/** Far enough in the future for everyone's clock, near enough to be counted in milliseconds. */
const maxTimestampSeconds = 100_000_000_000;
const timestamp = expected('seconds since 1970');

const report = z.object({
  // "`delivery`/`open` from web and `Delivery`/`Open` from iOS and Android: any case".
  event: string
    .transform((event) => event.toLowerCase())
    .pipe(z.enum(['delivery', 'open'], { error: 'expected delivery or open' })),
  publishId: string,
  deviceId: string,
  timestampSecs: z
    .number({ error: timestamp })
    .min(0, { error: timestamp })
    .max(maxTimestampSeconds, { error: timestamp }),
  // "`userId` may be null."
  userId: z.string({ error: expected('a string or null') }).nullish(),
  appInBackground: flag,
  hasDisplayableContent: flag,
  hasData: flag,
});

const required = {
  // "Missing field → 400 naming it."
  fields: ['event', 'publishId', 'deviceId', 'timestampSecs'],
  code: 'report-field-missing',
} as const;

/** Reporting API: browsers and phones, cross-origin, no key. */
export const reportingApi =
  (deps: ReportingApiDeps): FastifyPluginAsync =>
  async (app) => {
    const prefix = '/reporting_api/v2/instances/:instance';
    // "Never 429 (Android drops the report): shed load with 503".
    limitClients(app, deps.limits.reports, 'report-shed');
    allowCrossOrigin(app, deps.instances, prefix);
    app.post(
      `${prefix}/events`,
      { bodyLimit: 4 * 1024 },
      answering((request) => takeReport(deps, request)),
    );
  };

async function takeReport(deps: ReportingApiDeps, request: FastifyRequest): Promise<BeamsAnswer> {
  const instanceId = instanceIdOf(request);
  const refusal = instanceIdRefusal(instanceId);
  if (refusal) return refusal;
  const decoded = decodeBody(report, request.body, required);
  if ('refusal' in decoded) return decoded.refusal;
  const { event, publishId, deviceId, timestampSecs, userId, ...about } = decoded.value;
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

import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { RecordReportDeps } from '../../core/reports/record-report.ts';
import { recordReport } from '../../core/reports/record-report.ts';
import { parseDeviceId, parsePublishId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from '../beams/beams-answer.ts';
import { answering, answerJson } from '../beams/beams-answer.ts';
import { allowCrossOrigin } from '../beams/cross-origin.ts';
import { decodeBody, expected } from '../beams/decode-body.ts';
import type { Instances } from '../beams/instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from '../beams/instance-access.ts';
import type { RequestLimits } from '../beams/request-limits.ts';
import { limitClients } from '../beams/request-limits.ts';

export interface PageReportDeps extends RecordReportDeps {
  readonly instances: Instances;
  readonly limits: RequestLimits;
}

const maxActionLength = 128;
const maxTimestampSeconds = 100_000_000_000;
const timestamp = expected('seconds since 1970');
const action = expected(`a string of at most ${maxActionLength} characters`);
const string = z.string({ error: expected('a string') });

const report = z.object({
  event: z.enum(['displayed', 'clicked', 'dismissed'], { error: expected('displayed, clicked or dismissed') }),
  publishId: string,
  deviceId: string,
  timestampSecs: z
    .number({ error: timestamp })
    .min(0, { error: timestamp })
    .max(maxTimestampSeconds, { error: timestamp }),
  action: z.string({ error: action }).max(maxActionLength, { error: action }).exactOptional(),
});

const required = {
  fields: ['event', 'publishId', 'deviceId', 'timestampSecs'],
  code: 'report-field-missing',
} as const;

const taken = answerJson({});

/** What became of a notification. "Never 404 or 429; repeats are counted once." */
export const pageReports =
  (deps: PageReportDeps): FastifyPluginAsync =>
  async (app) => {
    const prefix = '/page_api/v1/instances/:instance/reports';
    limitClients(app, deps.limits.reports, 'report-shed');
    allowCrossOrigin(app, deps.instances, prefix);
    app.post(
      prefix,
      { bodyLimit: 4 * 1024 },
      answering((request) => takeReport(deps, request)),
    );
  };

async function takeReport(deps: PageReportDeps, request: FastifyRequest): Promise<BeamsAnswer> {
  const instanceId = instanceIdOf(request);
  const refusal = instanceIdRefusal(instanceId);
  if (refusal) return refusal;
  const decoded = decodeBody(report, request.body, required);
  if ('refusal' in decoded) return decoded.refusal;
  const { event, publishId, deviceId, timestampSecs, action: clicked = '' } = decoded.value;
  const publish = parsePublishId(publishId);
  const device = parseDeviceId(deviceId);
  if (publish === null || device?.platform !== 'web' || !(await deps.instances.findInstance(instanceId))) return taken;
  await recordReport(deps, {
    instanceId,
    publishId: publish,
    ...device,
    kind: event,
    // Other kinds have none: with one they would count again.
    action: event === 'clicked' ? clicked : '',
    happenedAt: Math.round(timestampSecs * 1000),
    namesUser: false,
    appInBackground: null,
    hasDisplayableContent: null,
    hasData: null,
  });
  return taken;
}

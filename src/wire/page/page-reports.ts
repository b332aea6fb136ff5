import type { FastifyPluginAsync } from 'fastify';
import * as z from 'zod';
import type { RecordReportDeps } from '../../core/reports/record-report.ts';
import { recordReport } from '../../core/reports/record-report.ts';
import { parseDeviceId, parsePublishId } from '../../protocol/ids.ts';
import type { BeamsAnswer } from '../beams/beams-answer.ts';
import { answerJson } from '../beams/beams-answer.ts';
import { expected } from '../beams/decode-body.ts';
import type { ReportRouteDeps } from '../beams/report-route.ts';
import { addReportRoute, reportFields } from '../beams/report-route.ts';

export type PageReportDeps = RecordReportDeps & ReportRouteDeps;

const maxActionLength = 128;
const action = expected(`a string of at most ${maxActionLength} characters`);

const report = z.object({
  event: z.enum(['displayed', 'clicked', 'dismissed'], { error: expected('displayed, clicked or dismissed') }),
  ...reportFields,
  action: z.string({ error: action }).max(maxActionLength, { error: action }).exactOptional(),
});

type Report = z.output<typeof report>;

const taken = answerJson({});

/** What became of a notification. "Never 404 or 429; repeats are counted once." */
export const pageReports =
  (deps: PageReportDeps): FastifyPluginAsync =>
  async (app) => {
    addReportRoute(app, deps, ['/page_api/v1/instances/:instance/reports', ''], report, (instanceId, told) =>
      takeReport(deps, instanceId, told),
    );
  };

async function takeReport(
  deps: PageReportDeps,
  instanceId: string,
  { event, publishId, deviceId, timestampSecs, action: clicked = '' }: Report,
): Promise<BeamsAnswer> {
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

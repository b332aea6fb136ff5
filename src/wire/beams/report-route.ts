import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { clientKey } from '../http/client-key.ts';
import type { DirectRoute } from '../http/direct-route.ts';
import type { BeamsAnswer } from './beams-answer.ts';
import { answering } from './beams-answer.ts';
import { allowCrossOrigin, corsHeaders } from './cross-origin.ts';
import { decodeBody, expected } from './decode-body.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf, instanceIdRefusal } from './instance-access.ts';
import type { RequestLimits } from './request-limits.ts';
import { limitClients } from './request-limits.ts';

export interface ReportRouteDeps {
  readonly instances: Instances;
  readonly limits: RequestLimits;
}

const string = z.string({ error: expected('a string') });
/** Far enough in the future for everyone's clock, near enough to be counted in milliseconds. */
const maxTimestampSeconds = 100_000_000_000;
const timestamp = expected('seconds since 1970');

/** Fields of every report; `event` is each API's own. */
export const reportFields = {
  publishId: string,
  deviceId: string,
  timestampSecs: z
    .number({ error: timestamp })
    .min(0, { error: timestamp })
    .max(maxTimestampSeconds, { error: timestamp }),
};

const required = {
  // "Missing field → 400 naming it."
  fields: ['event', 'publishId', 'deviceId', 'timestampSecs'],
  code: 'report-field-missing',
} as const;

/** `POST <prefix><path>` for reports of browsers and phones: cross-origin, without a key. `take` gets those of `schema`. */
export function addReportRoute<Report>(
  app: FastifyInstance,
  deps: ReportRouteDeps,
  [prefix, path]: readonly [prefix: string, path: string],
  schema: z.ZodType<Report>,
  take: (instanceId: string, report: Report) => Promise<BeamsAnswer>,
): void {
  // "Never 429 (Android drops the report): shed load with 503".
  limitClients(app, deps.limits.reports, 'report-shed');
  allowCrossOrigin(app, deps.instances, prefix);
  const answer = async (instanceId: string, body: unknown): Promise<BeamsAnswer> => {
    const decoded = decodeBody(schema, body, required);
    return 'refusal' in decoded ? decoded.refusal : take(instanceId, decoded.value);
  };
  const direct: DirectRoute = {
    admit({ instanceId, ip, socket, headers }) {
      const instance = deps.instances.peekInstance(instanceId);
      if (!instance || ip === null || deps.limits.reports.take(clientKey({ ip, socket })) !== null) return null;
      return corsHeaders(instance, headers);
    },
    answer: ({ instanceId }, body) => answer(instanceId, body),
  };
  app.post(
    prefix + path,
    { bodyLimit: 4 * 1024, config: { direct } },
    answering(async (request) => {
      const instanceId = instanceIdOf(request);
      return instanceIdRefusal(instanceId) ?? answer(instanceId, request.body);
    }),
  );
}

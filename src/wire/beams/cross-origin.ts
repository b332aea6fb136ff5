import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Instance } from '../../core/instances/instance.ts';
import { isUuid } from '../../protocol/ids.ts';
import { done, sendAnswer } from './beams-answer.ts';
import type { Instances } from './instance-access.ts';
import { instanceIdOf } from './instance-access.ts';

/**
 * "CORS for any origin or the instance's allowed origins, preflight included, for GET POST PUT DELETE and content-type,
 * authorization; requests carry no credentials, `*` suffices." Refusals carry the headers too, so that pages can read them.
 */
export function allowCrossOrigin(
  app: FastifyInstance,
  instances: Instances,
  prefix: string,
  methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'DELETE'],
): void {
  app.addHook('onRequest', async (request, reply) => {
    const instanceId = instanceIdOf(request);
    const instance = isUuid(instanceId) ? await instances.findInstance(instanceId) : null;
    reply.headers(corsHeaders(instance, request.headers));
  });
  const preflight = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendAnswer(
      reply.headers({
        'access-control-allow-methods': methods.join(', '),
        'access-control-allow-headers': 'content-type, authorization',
        // Browsers keep it for two hours at most.
        'access-control-max-age': '7200',
      }),
      done,
    );
  const url = `${prefix}/*`;
  app.options(url, preflight);
  // Takes what no other route does, with the headers, so that pages see what is wrong.
  const config = { leavesBody: true } as const;
  app.route({ method: [...methods], url, config, handler: (_request, reply) => reply.callNotFound() });
}

/** Headers of an answer about an instance, which may not exist. */
export function corsHeaders(
  instance: Pick<Instance, 'allowedOrigins'> | null,
  { origin }: IncomingHttpHeaders,
): Readonly<Record<string, string>> {
  const allowed = instance?.allowedOrigins ?? null;
  if (allowed === null) return { 'access-control-allow-origin': '*' };
  // The answer depends on who asks, so shared caches must keep them apart (Fetch, section 3.3.5).
  const vary = { vary: 'origin' };
  return origin !== undefined && allowed.includes(origin) ? { ...vary, 'access-control-allow-origin': origin } : vary;
}

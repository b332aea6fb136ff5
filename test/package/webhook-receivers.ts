/** Programs as their authors would write them: each answers with what it was told, and prints its port. */
const common = `
import { verify, verifyNodeRequest, verifyRequest, WebhookError } from '@pharos/webhooks';
const secrets = JSON.parse(process.env.SECRETS);
const maxBytes = 100_000;
const tell = ({ id, events: [event] }) => [id, event.type, event.data.device_id].join(' ');
const refusal = (error) => {
  if (error instanceof WebhookError) return { status: error.status, text: error.reason };
  throw error;
};
`;

export const receivers = {
  express: `${common}
import express from 'express';
const app = express();
app.post('/hook', async (request, response) => {
  try {
    response.send(tell(await verifyNodeRequest(request, secrets, { maxBytes })));
  } catch (error) {
    const { status, text } = refusal(error);
    response.status(status).send(text);
  }
});
// Others' routes may have a parser.
app.use(express.json());
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
`,
  'express-raw': `${common}
import express from 'express';
const app = express();
app.post('/hook', express.raw({ type: () => true, limit: maxBytes }), async (request, response) => {
  try {
    response.send(tell(await verify(request.body, request.headers, secrets)));
  } catch (error) {
    const { status, text } = refusal(error);
    response.status(status).send(text);
  }
});
app.use((error, request, response, next) => response.status(error.status ?? 500).send('no'));
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
`,
  fastify: `${common}
import fastify from 'fastify';
const app = fastify({ bodyLimit: maxBytes });
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
app.post('/hook', async (request, reply) => {
  try {
    return reply.send(tell(await verify(request.body, request.headers, secrets)));
  } catch (error) {
    const { status, text } = refusal(error);
    return reply.code(status).send(text);
  }
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(app.server.address().port);
`,
  hono: `${common}
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
const app = new Hono();
app.post('/hook', async (context) => {
  try {
    return context.text(tell(await verifyRequest(context.req.raw, secrets, { maxBytes })));
  } catch (error) {
    const { status, text } = refusal(error);
    return context.text(text, status);
  }
});
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port));
`,
};

/** An app of Next with a handler for each of its routers, by path. */
export const nextApp = {
  'next/server.js': `
import { createServer } from 'node:http';
import next from 'next';
const app = next({ dev: true, dir: import.meta.dirname });
await app.prepare();
const handle = app.getRequestHandler();
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`,
  'next/app/layout.js': `export default ({ children }) => <html><body>{children}</body></html>;`,
  'next/app/hook/route.js': `${common}
export async function POST(request) {
  try {
    return new Response(tell(await verifyRequest(request, secrets, { maxBytes })));
  } catch (error) {
    const { status, text } = refusal(error);
    return new Response(text, { status });
  }
}
`,
  'next/pages/api/hook.js': `${common}
export const config = { api: { bodyParser: false } };
export default async function handler(request, response) {
  try {
    response.send(tell(await verifyNodeRequest(request, secrets, { maxBytes })));
  } catch (error) {
    const { status, text } = refusal(error);
    response.status(status).send(text);
  }
}
`,
};

/** A strict program that uses all types. */
export const consumer = `
import type { IncomingMessage } from 'node:http';
import type { VerifiedWebhook, WebhookErrorReason, WebhookEvent } from '@pharos/webhooks';
import { parse, verify, verifyNodeRequest, verifyRequest, WebhookError } from '@pharos/webhooks';

export function textOf(event: WebhookEvent): string {
  switch (event.type) {
    case 'v1.PublishToUsersAttempt':
      return event.data.users_delivered_to_gateway.join();
    case 'v1.UserNotificationAcknowledgement':
    case 'v1.UserNotificationOpen':
      return event.data.user_id;
    case 'v1.NotificationDisplayed':
    case 'v1.NotificationDismissed':
      return event.data.device_id;
    case 'v1.NotificationClicked':
      // @ts-expect-error -- only users' events always name one
      event.data.user_id.length;
      return [event.data.url, event.happenedAt.toISOString(), event.id].join();
    case 'notification.clicked':
      return event.data.id;
    case 'publish.finished':
      return Object.keys(event.data.results).join();
    case 'unknown':
      return event.name;
    default:
      return event.type;
  }
}

/** The signature that a route handler of Next's App Router has. */
export async function POST(request: Request): Promise<Response> {
  try {
    const { id, sentAt, events }: VerifiedWebhook = await verifyRequest(request, ['whsec_', 'whpk_'], { maxBytes: 5 });
    return new Response([id, sentAt.getTime(), ...events.map(textOf)].join());
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    const reason: WebhookErrorReason = error.reason;
    return new Response(reason, { status: error.status });
  }
}

export const ofNode = (request: IncomingMessage) => verifyNodeRequest(request, 'secret', { toleranceSeconds: 5 });
export const ofBytes = (bytes: Uint8Array, request: IncomingMessage) => verify(bytes, request.headers, 'secret');
export const unsigned = (text: string): readonly WebhookEvent[] => parse(text);
`;

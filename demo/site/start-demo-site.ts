import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, HttpHandler, ReceivedRequest } from '../../test/support/http-handler.ts';
import { toListener } from '../../test/support/http-handler.ts';
import type { PharosProcess } from '../../test/support/pharos-process.ts';
import { createWebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { createLiveEvents } from './live-events.ts';

export interface DemoSite {
  /** `http://localhost:<port>`: a secure context for browsers. */
  readonly origin: string;
  /** The backend's receiver of Pharos' own webhooks; it is at `/webhooks` too. */
  readonly receiveWebhook: HttpHandler;
  readonly close: () => Promise<void>;
}

interface DemoSiteOptions {
  readonly pharos: Pick<PharosProcess, 'origin' | 'admin'>;
  /** Where Pharos finds `receiveWebhook`; by default `/webhooks` of the site. */
  readonly webhookUrl?: string;
}

const read = (name: string): Buffer => readFileSync(new URL(`files/${name}`, import.meta.url));

/** A site with the classic page API and its backend, on one loopback port, with an instance of its own. */
export async function startDemoSite({ pharos, webhookUrl }: DemoSiteOptions): Promise<DemoSite> {
  const events = createLiveEvents();
  const secret = randomBytes(16).toString('hex');
  const signed = createWebhookReceiver(secret);

  const receiveWebhook: HttpHandler = async (request) => {
    const answer = await signed.handler(request);
    const webhook = signed.received.at(-1);
    if (webhook) {
      const { eventType: name, signatureIsGood, json: body } = webhook;
      events.publish({ from: 'server', name, signatureIsGood, body });
    }
    return answer;
  };

  const server = createServer((request, response) =>
    request.url === '/events' ? events.stream(request, response) : listener(request, response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;

  const instance = await pharos.admin('POST', '/instances', { name: 'demo site' });
  const [instanceId, secretKey] = [String(instance['id']), String(instance['secretKey'])];
  await pharos.admin('POST', `/instances/${instanceId}/webhooks`, {
    url: webhookUrl ?? `${origin}/webhooks`,
    events: ['v1.NotificationDisplayed', 'v1.NotificationClicked', 'v1.NotificationDismissed'],
    secret,
  });

  const html = read('index.html').toString().replaceAll('{pharos}', pharos.origin).replace('{instance}', instanceId);
  const files = new Map<string, Answer>([
    ['/', file('text/html; charset=utf-8', html)],
    ['/site.js', file('text/javascript', read('site.js'))],
    ['/site.css', file('text/css', read('site.css'))],
    ['/picture.png', file('image/png', read('picture.png'))],
    ['/OneSignalSDKWorker.js', file('text/javascript', `importScripts('${pharos.origin}/pharos/worker.js');\n`)],
  ]);
  // What docs/page-script.md tells sites, and what this page has of its own.
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${pharos.origin}`,
    "worker-src 'self'",
    `connect-src 'self' ${pharos.origin}`,
    "img-src 'self'",
    "style-src 'self'",
  ].join('; ');

  function file(type: string, body: string | Buffer): Answer {
    return { status: 200, headers: { 'content-type': type }, body };
  }

  async function answer(request: ReceivedRequest): Promise<Answer> {
    const { pathname } = new URL(request.path, origin);
    if (request.method === 'GET') return files.get(pathname) ?? { status: 404 };
    if (pathname === '/webhooks') return receiveWebhook(request);
    if (pathname === '/hook') {
      const body = JSON.parse(request.body.toString()) as { readonly event: string };
      events.publish({ from: 'browser', name: body.event, body });
      return { status: 200 };
    }
    // Pages of other sites cannot send this type without being allowed to.
    if (pathname === '/send' && request.headers['content-type'] === 'application/json') return send(request);
    return { status: 404 };
  }

  /** Only the backend knows the key; the page says to whom and what. */
  async function send({ body }: ReceivedRequest): Promise<Answer> {
    const { player, heading, content } = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
    const response = await fetch(`${pharos.origin}/api/v1/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Key ${secretKey}` },
      body: JSON.stringify({
        app_id: instanceId,
        include_player_ids: [player],
        headings: { en: heading },
        contents: { en: content },
        url: `${origin}/`,
        chrome_web_image: `${origin}/picture.png`,
        web_buttons: [
          { id: 'like', text: 'Like' },
          { id: 'later', text: 'Later' },
        ],
      }),
    });
    return { ...file('application/json', await response.text()), status: response.status };
  }

  const listener = toListener(async (request) => {
    const { headers, ...rest } = await answer(request);
    return { ...rest, headers: { ...headers, 'content-security-policy': policy } };
  });

  return {
    origin,
    receiveWebhook,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

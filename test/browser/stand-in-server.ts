import { readFileSync } from 'node:fs';
import type { HttpHandler } from '../support/http-handler.ts';
import { startHttpServer } from '../support/http-server.ts';

export const workerFile = new URL('../../dist/worker.js', import.meta.url);
const pageFile = new URL('../../dist/page.js', import.meta.url);

/** Body of a report, as the worker sends it. */
export interface Report {
  readonly event: string;
  readonly publishId: string;
  readonly [field: string]: unknown;
}

export interface PageCall {
  readonly method: string;
  /** After the instance's prefix. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface DeviceCall {
  /** Method, and the path after the instance's prefix. */
  readonly call: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

export interface StandInServer {
  readonly origin: string;
  /** Push subscription of the last device that registered. */
  readonly subscription: () => {
    readonly endpoint: string;
    readonly keys: { readonly p256dh: string; readonly auth: string };
  };
  readonly deviceId: string;
  readonly reports: readonly Report[];
  /** Calls of the page API (`docs/wire/page-api.md`) that change or tell something, in their order. */
  readonly pageCalls: readonly PageCall[];
  /** Calls of Beams' device API that change something, in their order. */
  readonly deviceCalls: readonly DeviceCall[];
  readonly registrations: () => number;
  /** What is answered as `page-settings` besides the key. */
  readonly settings: { relayedEvents: string[] };
  /** Answers as if the server had forgotten its devices, until one registers. */
  readonly forgetDevices: () => void;
  /** Serves another worker script. */
  readonly replaceWorker: (content: string) => void;
  readonly close: () => Promise<void>;
}

/** Just enough of a server for the page scripts to start and for the worker to load and report. */
export async function startStandInServer(
  vapidPublicKey: string,
  deviceId = 'web-0b9a5c8e-5a3f-4c53-9a51-2f6a7d1f2c3d',
): Promise<StandInServer> {
  const reports: Report[] = [];
  const pageCalls: PageCall[] = [];
  const deviceCalls: DeviceCall[] = [];
  const settings: StandInServer['settings'] = { relayedEvents: [] };
  let worker = readFileSync(workerFile, 'utf8');
  let registrations = 0;
  let isKnown = true;
  let token = '';
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'content-type, authorization',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  };
  const script = (body: string | Buffer) => ({ status: 200, headers: { 'content-type': 'text/javascript' }, body });
  const answer: HttpHandler = ({ method, path, headers, body }) => {
    const json = (value: object) => ({ status: 200, body: JSON.stringify(value) });
    if (path === '/pharos/worker.js') return script(worker);
    if (path === '/pharos/page.js') return script(readFileSync(pageFile));
    if (method === 'OPTIONS') return { status: 204 };
    const devicePath = /^\/device_api\/v1\/instances\/[^/]+(\/.*)$/.exec(path)?.[1];
    if (devicePath && method !== 'GET')
      deviceCalls.push({
        call: `${method} ${devicePath}`,
        body: body.toString(),
        authorization: headers.authorization,
      });
    if (devicePath?.includes('/interests?')) return json({ interests: ['news'], responseMetadata: {} });
    if (path.endsWith('/web-vapid-public-key')) return json({ vapidPublicKey });
    if (path.endsWith('/page-settings')) return json({ vapidPublicKey, ...settings });
    if (path.endsWith('/devices/web')) {
      ({ token } = JSON.parse(body.toString()) as { token: string });
      registrations += 1;
      isKnown = true;
      return json({ id: deviceId, initialInterestSet: [] });
    }
    if (path.includes('/reporting_api/')) reports.push(JSON.parse(body.toString()) as Report);
    else if (!isKnown) return { status: 404, body: JSON.stringify({ error: 'Device not found' }) };
    const pagePath = /^\/page_api\/v1\/instances\/[^/]+(\/.*)$/.exec(path)?.[1];
    if (pagePath && method !== 'GET') {
      const call = { method, path: pagePath, body: JSON.parse(body.toString()) as PageCall['body'] };
      pageCalls.push(call);
      if (pagePath.endsWith('/subscription')) token = String(call.body['token']);
    }
    return json(pagePath?.endsWith('/tags') ? { tags: { level: '5' } } : {});
  };
  const server = await startHttpServer(async (request) => {
    const response = await answer(request);
    return { ...response, headers: { ...cors, ...response.headers } };
  });
  return {
    origin: server.origin,
    subscription: () =>
      JSON.parse(Buffer.from(token, 'base64').toString()) as ReturnType<StandInServer['subscription']>,
    deviceId,
    reports,
    pageCalls,
    deviceCalls,
    registrations: () => registrations,
    settings,
    forgetDevices: () => void (isKnown = false),
    replaceWorker: (content) => void (worker = content),
    close: server.close,
  };
}

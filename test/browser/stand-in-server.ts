import { readFileSync } from 'node:fs';
import type { HttpHandler } from '../support/http-handler.ts';
import { startHttpServer } from '../support/http-server.ts';

export const workerFile = new URL('../../dist/worker.js', import.meta.url);

/** Body of a report, as the worker sends it. */
export interface Report {
  readonly event: string;
  readonly publishId: string;
  readonly [field: string]: unknown;
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
  readonly close: () => Promise<void>;
}

/** Just enough of a server for the page SDK to start and for the worker to load and report. */
export async function startStandInServer(vapidPublicKey: string): Promise<StandInServer> {
  const deviceId = 'web-0b9a5c8e-5a3f-4c53-9a51-2f6a7d1f2c3d';
  const reports: Report[] = [];
  let token = '';
  const cors = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'content-type, authorization',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  };
  const answer: HttpHandler = ({ method, path, body }) => {
    const json = (value: object) => ({ status: 200, body: JSON.stringify(value) });
    if (path === '/pharos/worker.js')
      return { status: 200, headers: { 'content-type': 'text/javascript' }, body: readFileSync(workerFile) };
    if (method === 'OPTIONS') return { status: 204 };
    if (path.endsWith('/web-vapid-public-key')) return json({ vapidPublicKey });
    if (path.endsWith('/devices/web')) {
      ({ token } = JSON.parse(body.toString()) as { token: string });
      return json({ id: deviceId, initialInterestSet: [] });
    }
    if (path.includes('/reporting_api/')) reports.push(JSON.parse(body.toString()) as Report);
    return json({});
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
    close: server.close,
  };
}

import type { Answer, ReceivedRequest } from '../support/http-handler.ts';
import type { LocalServer } from '../support/http-server.ts';
import { startHttpServer } from '../support/http-server.ts';
import { waitFor } from '../support/wait-for.ts';

/** One request as it came, but for what every browser adds to every request. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A site's backend that knows nothing of us: it writes down what comes. */
export interface PlainReceiver {
  readonly url: string;
  /** Without preflights. */
  readonly received: readonly PlainRequest[];
  readonly preflights: readonly PlainRequest[];
  /** How requests are answered from now on; a preflight too if it says so. */
  answer: (request: ReceivedRequest) => Answer | Promise<Answer>;
  /** The bodies, once there are this many. */
  readonly bodies: (count: number) => Promise<Record<string, unknown>[]>;
  readonly goDown: () => Promise<void>;
  /** On the same port again. */
  readonly comeUp: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const addedByBrowsers =
  /^(host|connection|content-length|user-agent|accept|accept-encoding|accept-language|origin|referer|priority|te|pragma|cache-control|dnt|sec-.*)$/;

export const allowCrossOrigin = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'content-type, x-onesignal-event',
};

export async function startPlainReceiver(): Promise<PlainReceiver> {
  const received: PlainRequest[] = [];
  const preflights: PlainRequest[] = [];
  const handler = (request: ReceivedRequest): Answer | Promise<Answer> => {
    const headers = Object.entries(request.headers).filter(([name]) => !addedByBrowsers.test(name));
    (request.method === 'OPTIONS' ? preflights : received).push({
      method: request.method,
      path: request.path,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      body: request.body.toString(),
    });
    return receiver.answer(request);
  };
  let server: LocalServer = await startHttpServer(handler);
  const { port } = server;
  const receiver: PlainReceiver = {
    url: `${server.origin}/hook`,
    received,
    preflights,
    answer: () => ({ status: 200 }),
    async bodies(count) {
      await waitFor(`${count} requests, there are ${received.length}`, () => received.length >= count);
      return received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    },
    goDown: () => server.close(),
    comeUp: async () => void (server = await startHttpServer(handler, port)),
    close: () => server.close(),
  };
  return receiver;
}

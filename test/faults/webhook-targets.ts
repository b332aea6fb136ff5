import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestAuthority } from '../support/test-authority.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import type { TlsFront } from '../support/tls-front.ts';
import { chosenBy } from './seeded.ts';

/** How a target behaves: `well` ones take everything in the end, the others never take anything. */
export const behaviours = {
  healthy: { well: true },
  slow: { well: true },
  flapping: { well: true },
  /** Its status comes at once; 10 GB follow, a byte at a time. */
  dripping: { well: true },
  /** Takes few a second, and says with `Retry-After` when to come again. */
  limited: { well: true },
  failing: { well: false },
  hanging: { well: false },
  resetting: { well: false },
  untrusted: { well: false },
  gone: { well: false },
} as const;
export type Behaviour = keyof typeof behaviours;

export interface Target {
  readonly behaviour: Behaviour;
  readonly host: string;
}

export interface WebhookRequest {
  readonly at: number;
  readonly target: Target;
  readonly messageId: string;
  readonly eventType: string;
  readonly status: number;
}

export interface WebhookTargets {
  readonly targets: readonly Target[];
  readonly fronts: readonly TlsFront[];
  readonly requests: readonly WebhookRequest[];
}

const slowMs = 200;
/** Well or ill for so long, at random: what came regularly could keep meeting the ill half. */
const flapMs = 500;
/** What those say that have too much to do. */
export const retryAfterMs = 1_000;

/** So many targets of each behaviour, each at a host of its own. */
export async function startWebhookTargets(
  authority: TestAuthority,
  { each, takenPerSecond }: { readonly each: number; readonly takenPerSecond: number },
): Promise<WebhookTargets> {
  const targets = Object.keys(behaviours).flatMap((behaviour) =>
    Array.from({ length: each }, (_, index): Target => ({
      behaviour: behaviour as Behaviour,
      host: `${behaviour}-${index}.webhooks.example`,
    })),
  );
  const byHost = new Map(targets.map((target) => [target.host, target]));
  const requests: WebhookRequest[] = [];
  const taken = new Map<string, { second: number; count: number }>();

  const statusOf = ({ behaviour, host }: Target): number => {
    const now = Date.now();
    if (behaviour === 'failing') return 500;
    if (behaviour === 'gone') return 410;
    if (behaviour === 'flapping') return chosenBy(2, host, Math.floor(now / flapMs)) === 0 ? 200 : 503;
    if (behaviour !== 'limited') return 200;
    const second = Math.floor(now / 1_000);
    const count = taken.get(host)?.second === second ? (taken.get(host)?.count ?? 0) : 0;
    taken.set(host, { second, count: count + 1 });
    return count < takenPerSecond ? 200 : 429;
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const target = byHost.get(String(request.headers.host));
    if (!target) throw new Error(`nobody asked for ${request.headers.host}`);
    const { behaviour } = target;
    const isAnswered = behaviour !== 'hanging' && behaviour !== 'resetting';
    const status = isAnswered ? statusOf(target) : 0;
    const messageId = String(request.headers['webhook-request-id-uuid']);
    const eventType = String(request.headers['webhook-event-type']);
    requests.push({ at: Date.now(), target, messageId, eventType, status });
    if (behaviour === 'hanging') return;
    if (behaviour === 'resetting') request.socket.destroy();
    else if (behaviour === 'dripping') drip(response);
    else if (status === 429) response.writeHead(429, { 'retry-after': String(retryAfterMs / 1_000) }).end();
    else if (behaviour === 'slow') setTimeout(() => response.writeHead(status).end(), slowMs);
    else response.writeHead(status).end();
  };

  const hostsOf = (trusted: boolean): string[] =>
    targets.filter(({ behaviour }) => (behaviour !== 'untrusted') === trusted).map(({ host }) => host);
  const fronts = await Promise.all([
    startFront(authority, hostsOf(true), answer),
    startFront(createTestAuthority(), hostsOf(false), answer),
  ]);
  return { targets, fronts, requests };
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '10000000000' });
  const timer = setInterval(() => response.write('.'), 100);
  response.on('close', () => clearInterval(timer));
}

async function startFront(
  authority: TestAuthority,
  hosts: readonly string[],
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TlsFront> {
  const server = createServer({ ...authority.issue(hosts), keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    hosts,
    connections: () => connections,
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

import { createECDH, createHash } from 'node:crypto';
import type { Instance } from '../../src/core/instances/instance.ts';
import type { Log } from '../../src/core/ports/log.ts';
import type { Store } from '../../src/core/ports/store.ts';
import type { EventFeedDeps } from '../../src/core/feed/event-feed.ts';
import { EventFeed } from '../../src/core/feed/event-feed.ts';
import { feedRoutes } from '../../src/wire/feed/feed-routes.ts';
import { beamsRoutes, type BeamsDeps } from '../../src/wire/beams/beams-routes.ts';
import { oneSignalRoutes, type OneSignalDeps } from '../../src/wire/onesignal/onesignal-routes.ts';
import { pageRoutes, type PageDeps } from '../../src/wire/page/page-routes.ts';
import { createHttpApp, type HttpAppOptions } from '../../src/wire/http/create-http-app.ts';
import { createMetrics } from '../../src/metrics/create-metrics.ts';
import { noting } from './note-routes.ts';
import { healthRoutes } from '../../src/wire/http/health-routes.ts';
import { v4, v7 } from 'uuid';
import type { FastifyInstance } from 'fastify';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

/** The Beams wire with two instances: one open to every origin, one for https://shop.example only. */
export interface World {
  readonly app: FastifyInstance;
  /** Method and path of each, like `GET /things/:thing`. */
  readonly routes: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  /** What was logged, as text. */
  readonly logged: readonly string[];
  /** How often the fan-out and the dispatcher were woken. */
  readonly woken: { publishes: number; messages: number };
}

const values = {
  instance: '7b1d8ba4-0f0c-4f0a-9d8e-0d2c5b8a1f11',
  guardedInstance: '2f4cf5ad-25ba-4a4c-8c3a-6b6b4c1f0e22',
  unknownInstance: '00000000-0000-4000-8000-000000000000',
  unknownDevice: '11111111-1111-4111-8111-111111111111',
  unknownPublish: '01930000-0000-7000-8000-000000000000',
  secretKey: 'FB6F28ECB5534AB1F8DB9A1E3B8CFC3DAFDA8AF0B7F3A4EC7A33EF7F0EB2C5D1',
  publicKey: keyPair('vapid').getPublicKey('base64url'),
  publicOrigin: 'https://push.company.example',
};

/** A P-256 key pair that is the same in every run. */
function keyPair(seed: string): ReturnType<typeof createECDH> {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(createHash('sha256').update(seed).digest());
  return pair;
}

/** What `btoa(JSON.stringify(subscription))` gives in a browser. */
export const encodeSubscription = (name: string): string =>
  Buffer.from(
    JSON.stringify({
      endpoint: `https://push.service.example/send/${name}`,
      expirationTime: null,
      keys: {
        p256dh: keyPair(name).getPublicKey('base64url'),
        auth: createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url'),
      },
    }),
  ).toString('base64');

export const unlimited = { take: () => null };

type WiresDeps = BeamsDeps & OneSignalDeps & PageDeps;
type WiresStore = BeamsDeps['store'] &
  OneSignalDeps['store'] &
  PageDeps['store'] &
  EventFeedDeps['store'] &
  Pick<Store, 'check'>;

export async function openWorld(
  store: WiresStore,
  change: Partial<Omit<BeamsDeps, 'store' | 'instances'>> = {},
  http: Pick<HttpAppOptions, 'inFlight'> = {},
): Promise<World> {
  const logged: string[] = [];
  const write: Log['info'] = (event, fields) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { info: write, warn: write, error: write };
  const woken = { publishes: 0, messages: 0 };
  const instance = (id: string, allowedOrigins: readonly string[] | null): Instance => ({
    id,
    name: 'Example',
    createdAt: 0,
    secretKey: values.secretKey,
    previousSecretKey: null,
    vapid: { publicKey: Buffer.from(values.publicKey, 'base64url'), privateKey: Buffer.alloc(0) },
    allowedOrigins,
    feed: true,
  });
  const instances = [
    instance(values.instance, null),
    instance(values.guardedInstance, ['https://shop.example', 'https://www.shop.example']),
  ];
  const deps: WiresDeps & { readonly store: WiresStore } = {
    store,
    instances: {
      findInstance: async (id) => instances.find((known) => known.id === id) ?? null,
      peekInstance: (id) => instances.find((known) => known.id === id) ?? null,
      listRelayedEvents: async () => [],
    },
    sealer: testSealer,
    ids: { random: () => v4(), timeOrdered: () => v7(), unguessable: () => v7({}) },
    clock: Date.now,
    log,
    metrics: createMetrics(),
    endpointRules: {
      refusal: (endpoint) => (endpoint.startsWith('https://push.service.example/') ? null : 'not a known push service'),
    },
    publicOrigin: values.publicOrigin,
    maxDevices: 10_000,
    limits: { publishes: unlimited, devices: unlimited, reports: unlimited },
    ...change,
    allowHttpWebhooks: false,
    onAccepted: () => void woken.publishes++,
    onMessages: () => void woken.messages++,
    onCanceled() {},
    onErased() {},
    onEvent: (instanceId) => feed.wake(instanceId),
  };
  const feed = new EventFeed(deps);
  const wires = [
    healthRoutes(store),
    beamsRoutes(deps),
    oneSignalRoutes(deps),
    pageRoutes(deps),
    feedRoutes({ ...deps, feed }),
  ];
  const routes: string[] = [];
  const app = await createHttpApp({ log, tls: null, trustedProxies: [], routes: wires.map(noting(routes)), ...http });
  return { app, routes, values, logged, woken };
}

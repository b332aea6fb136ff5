import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { TlsKeys } from './config/read-tls-files.ts';
import { readTlsFiles } from './config/read-tls-files.ts';
import type { ServerSettings } from './config/server-settings.ts';
import { settingTable } from './config/settings.ts';
import { widenThreadPool } from './config/widen-thread-pool.ts';
import { ExpiryWatch } from './core/credentials/expiry-watch.ts';
import { createCachedDirectory } from './core/instances/cached-directory.ts';
import { createSharedDirectory } from './core/instances/shared-directory.ts';
import { createFirstInstance } from './core/instances/first-instance.ts';
import type { Clock } from './core/ports/clock.ts';
import type { IdSource } from './core/ports/id-source.ts';
import type { Log } from './core/ports/log.ts';
import { OperatorProblem } from './core/ports/operator-problem.ts';
import { openGoneBrake } from './core/delivery/gone-brake.ts';
import { EventFeed } from './core/feed/event-feed.ts';
import { ReplayLoop } from './core/recovery/replay-loop.ts';
import { FanOut } from './core/publish/fan-out.ts';
import { Retention } from './core/retention/retention.ts';
import type { Keyring } from './sealing/keyring.ts';
import { generateKeyring, parseKeyring } from './sealing/keyring.ts';
import { assertSealedWith } from './core/secrets/assert-sealed-with.ts';
import { MasterKeys } from './core/secrets/master-keys.ts';
import { createSealer } from './sealing/sealer.ts';
import { Dispatcher, messagesAtATime } from './core/webhooks/dispatcher.ts';
import { retryPolicies } from './core/webhooks/retry-policies.ts';
import type { DataFolder } from './data-folder/open-data-folder.ts';
import { openDataFolder } from './data-folder/open-data-folder.ts';
import { createAddressGuard } from './egress/address-guard.ts';
import { createHttpClient } from './egress/http-client.ts';
import type { Network } from './egress/network.ts';
import { createSystemNetwork } from './egress/network.ts';
import { createPushEndpointRules, defaultPushEndpointHosts } from './egress/push-endpoint-rules.ts';
import { createLog } from './logging/create-log.ts';
import { createMetrics } from './metrics/create-metrics.ts';
import { Ending } from './process/ending.ts';
import { followHints } from './process/follow-hints.ts';
import { openGateways, pushDeadlineMs } from './process/open-gateways.ts';
import { openStorage } from './process/open-storage.ts';
import { readScripts } from './process/read-scripts.ts';
import type { Role } from './protocol/roles.ts';
import { chanceUuidV7, uuidV7 } from './protocol/uuid-v7.ts';
import { backupFilePattern } from './storage/sqlite/back-up.ts';
import { adminRoutes } from './wire/admin/admin-routes.ts';
import { beamsRoutes } from './wire/beams/beams-routes.ts';
import { metricsRoute } from './wire/admin/metrics-route.ts';
import type { RequestLimits } from './wire/beams/request-limits.ts';
import { feedRoutes } from './wire/feed/feed-routes.ts';
import { createHttpApp, defaultInFlight } from './wire/http/create-http-app.ts';
import { InFlight } from './wire/http/in-flight.ts';
import { listen } from './wire/http/listen.ts';
import { RateLimiter } from './wire/http/rate-limiter.ts';
import { healthRoutes } from './wire/http/health-routes.ts';
import { oneSignalRoutes } from './wire/onesignal/onesignal-routes.ts';
import { pageRoutes } from './wire/page/page-routes.ts';
import { scriptRoutes } from './wire/http/script-routes.ts';
import { webhookKeyRoutes } from './wire/webhook-keys/webhook-key-routes.ts';

/** What tests replace. */
export interface PharosOverrides {
  /** The way out of the process. */
  readonly network?: Network;
  readonly webhookRetryDelaysMs?: readonly number[];
  readonly webhookBreakerPausesMs?: readonly number[];
  readonly pushGiveUpAfterMs?: number;
  readonly credentialsPauseMs?: number;
}

export interface Pharos {
  /** Origins that it listens on: HTTP, then HTTPS if that is set. */
  readonly urls: readonly string[];
  /** Null when there were instances already. */
  readonly firstInstance: { readonly id: string; readonly credentialsFile: string } | null;
  /** Paths of the secret files that this start has made; with a first instance also those that are from a failed start. */
  readonly newSecretFiles: readonly string[];
  /** Finishes what is in flight, within bounds, and lets go of everything. */
  stop(): Promise<void>;
}

const maxRememberedInstances = 10_000;
/** Instances or client addresses that a limit tells apart: some 15 MB at most. */
const maxLimitedKeys = 100_000;
const pushGiveUpAfterMs = 10 * 60_000;

/** Starts the roles of this node. Rejects, with everything let go again, when one of them cannot start. */
export async function startPharos(settings: ServerSettings, overrides: PharosOverrides = {}): Promise<Pharos> {
  widenThreadPool();
  const log = createLog({ level: settings.logLevel });
  const ending = new Ending(log);
  try {
    return await start(settings, overrides, log, ending);
  } catch (error) {
    await ending.run();
    throw error;
  }
}

async function start(settings: ServerSettings, overrides: PharosOverrides, log: Log, ending: Ending): Promise<Pharos> {
  const tls = settings.tls && { host: settings.tls.host, port: settings.tls.port, keys: readTlsKeys(settings.tls) };
  const folder = openDataFolder({
    folder: settings.dataDir,
    adminTokenFile: settings.adminTokenFile,
    masterKeysFile: settings.masterKeysFile,
    generateKeyring,
    generateAdminToken: () => `${randomBytes(32).toString('base64url')}\n`,
    leftovers: [backupFilePattern],
  });
  ending.add('data folder', async () => folder.release());
  for (const file of folder.exposed) log.warn('data-folder.exposed', { file, mend: `chmod 600 ${file}` });

  const keyring = readKeyring(folder);
  const sealer = createSealer(keyring);
  const metrics = createMetrics();
  metrics.start();
  ending.add('metrics', async () => metrics.stop());
  const { store, cluster, ...storage } = await openStorage({
    settings,
    databaseFile: folder.databaseFile,
    sealer,
    log,
    onCommit: (commit) => metrics.committed(commit),
  });
  ending.add('store', () => storage.close());
  await assertSealedWith(store, sealer, folder.keyring.file);
  const cache = createCachedDirectory({ store, sealer, maxEntries: maxRememberedInstances });
  const instances = createSharedDirectory(cache, cluster);
  const clock = cluster.now;
  const shared = { store, sealer, instances, cluster, log, metrics, clock, ids: idsBy(clock) };

  const masterKeys = new MasterKeys({
    ...shared,
    keyring,
    readKeyring: () => folder.readKeyring(),
    writeKeyring: (text) => folder.replaceKeyring(text),
  });
  const retention = new Retention({ ...shared, retentionDays: settings.retentionDays });
  const expiryWatch = new ExpiryWatch(shared);
  ending.add('upkeep', () => Promise.all([masterKeys.stop(), retention.stop(), expiryWatch.stop()]));
  masterKeys.start();
  retention.start();
  expiryWatch.start();

  // One each: host names of webhooks, which tenants choose, hold up no lookup of a push service.
  const openNetwork = (): Network => overrides.network ?? createSystemNetwork();
  const guard = createAddressGuard(settings.allowNetworks);
  const endpointRules = createPushEndpointRules([...defaultPushEndpointHosts, ...settings.pushEndpointHosts]);
  const http = createHttpClient({
    network: openNetwork(),
    guard,
    allowHttp: settings.allowHttpWebhooks,
    maxConnectionsPerOrigin: messagesAtATime,
    maxOrigins: messagesAtATime,
  });
  ending.add('webhook connections', () => http.close());
  const { credentialsPauseMs } = overrides;
  const connecting = { network: openNetwork(), guard };
  const gateways = openGateways({ settings, connecting, endpointRules, clock, log, credentialsPauseMs });
  ending.add('gateways', () => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

  const runs = (role: Role): boolean => settings.roles.includes(role);
  const policies = webhookRetryPolicies(overrides);
  const dispatcher = new Dispatcher({
    ...shared,
    http,
    retryPolicies: policies,
    forgetWebhook: instances.forgetWebhook,
    ...(overrides.webhookBreakerPausesMs && { breakerPausesMs: overrides.webhookBreakerPausesMs }),
  });
  const onMessages = (): void => {
    dispatcher.wake();
    cluster.tell({ kind: 'due', queue: 'messages' });
  };
  const replays = new ReplayLoop({ ...shared, onMessages });
  const onReplays = (): void => {
    replays.wake();
    cluster.tell({ kind: 'due', queue: 'replays' });
  };
  const brake = await openGoneBrake({
    ...shared,
    goneShare: settings.goneBrakePercent / 100,
    onSaved: () => cluster.tell({ kind: 'push-origins' }),
  });
  const feed = new EventFeed(shared);
  const onEvent = (instanceId: string): void => {
    feed.wake(instanceId);
    cluster.tell({ kind: 'event', instanceId });
  };
  const fanOut = new FanOut({
    ...shared,
    brake,
    gateways,
    giveUpAfterMs: overrides.pushGiveUpAfterMs ?? pushGiveUpAfterMs,
    gatewayDeadlineMs: pushDeadlineMs,
    onGivenBack: () => cluster.tell({ kind: 'due', queue: 'ranges' }),
    onFinished(instanceId) {
      onMessages();
      onEvent(instanceId);
    },
  });
  const onAccepted = (): void => {
    fanOut.wake();
    cluster.tell({ kind: 'due', queue: 'ranges' });
  };
  followHints({ cluster, cache, fanOut, dispatcher, replays, feed, brake, log });

  const { allowHttpWebhooks, trustedProxies } = settings;
  const limits = requestLimits(settings);
  const everyNodesRoutes = [
    healthRoutes(store),
    metricsRoute({
      adminToken: folder.adminToken,
      renderMetrics: async () =>
        metrics.render({
          store: await store.measureLoad().catch(() => null),
          targets: dispatcher.countHeldUp(),
        }),
    }),
  ];
  const apiRoutes = [
    adminRoutes({
      ...shared,
      ...instances,
      forgetWebhook(instanceId, webhookId) {
        instances.forgetWebhook(instanceId, webhookId);
        dispatcher.forgive({ instanceId, target: webhookId });
      },
      brake,
      gateways,
      masterKeys,
      backUp: storage.backUp,
      adminToken: folder.adminToken,
      allowHttpWebhooks,
      targetStatus: (target) => dispatcher.status(target),
      maxAttempts: (webhook) => policies[webhook?.options.retryPolicy ?? 'beams'].delaysMs.length + 1,
      onMessages,
      onReplays,
    }),
    beamsRoutes({
      ...shared,
      endpointRules,
      allowHttpWebhooks,
      publicOrigin: settings.publicUrl,
      maxDevices: settings.maxDevicesPerInstance,
      limits,
      onAccepted,
      onMessages,
      onEvent,
      onErased: (instanceId, user) => dispatcher.erased({ instanceId, user }),
    }),
    oneSignalRoutes({
      ...shared,
      limits,
      onAccepted,
      onMessages,
      onCanceled: () => fanOut.lookAgain(),
    }),
    pageRoutes({ ...shared, endpointRules, limits, onMessages, onEvent }),
    feedRoutes({ ...shared, feed }),
    scriptRoutes(readScripts(log)),
    webhookKeyRoutes({ instances, limits }),
  ];
  const listeners: FastifyInstance[] = [];
  const inFlight = new InFlight(defaultInFlight);
  ending.add('work', () => {
    // Who waits for events is answered, or the listeners would wait with them.
    feed.stop();
    return Promise.all([...listeners.map(closeListener), fanOut.stop(), dispatcher.stop(), replays.stop()]);
  });
  if (runs('fan-out')) fanOut.start();
  if (runs('webhooks')) {
    dispatcher.start();
    replays.start();
  }
  const routes: FastifyPluginAsync[] = [...everyNodesRoutes, ...(runs('api') ? apiRoutes : [])];
  const urls: string[] = [];
  const plain = { host: settings.host, port: settings.port, keys: null };
  for (const { host, port, keys } of [plain, ...(tls ? [tls] : [])]) {
    const app = await createHttpApp({ log, tls: keys, trustedProxies, routes, inFlight, metrics });
    listeners.push(app);
    const hostSetting = settingTable[keys ? 'tlsHost' : 'host'].name;
    const portSetting = settingTable[keys ? 'tlsPort' : 'port'].name;
    const options = { host, port, hostSetting, portSetting };
    urls.push(await listen(app, { ...options, scheme: keys ? 'https' : 'http' }));
  }
  // Last, since only the start that makes it tells of it: nothing may fail after this.
  const instance = (await cluster.leads('first-instance')) ? await createFirstInstance(shared) : null;
  const firstInstance = instance && {
    id: instance.id,
    credentialsFile: folder.writeFirstInstance({ instanceId: instance.id, secretKey: instance.secretKey }),
  };
  log.info('server.listening', { urls, roles: settings.roles, dataDir: settings.dataDir, pid: process.pid });
  return {
    urls,
    firstInstance,
    newSecretFiles: firstInstance ? folder.secretFiles : folder.created,
    async stop() {
      await ending.run();
      log.info('server.stopped');
    },
  };
}

function webhookRetryPolicies({ webhookRetryDelaysMs: delaysMs }: PharosOverrides): typeof retryPolicies {
  if (!delaysMs) return retryPolicies;
  return { ...retryPolicies, beams: { ...retryPolicies.beams, delaysMs } };
}

function requestLimits({ publishesPerSecond, clientRequestsPerSecond: clients }: ServerSettings): RequestLimits {
  const limiter = (perSecond: number, burst: number) => new RateLimiter({ perSecond, burst, maxKeys: maxLimitedKeys });
  return {
    publishes: limiter(publishesPerSecond, publishesPerSecond),
    devices: limiter(clients, 10 * clients),
    // One answer to a push from everyone behind a provider's shared address comes at once.
    reports: limiter(10 * clients, 100 * clients),
  };
}

function readTlsKeys(files: NonNullable<ServerSettings['tls']>): TlsKeys {
  const result = readTlsFiles(files);
  if (result.ok) return result.value;
  throw new OperatorProblem(result.mistakes.join(' '), { isWrongSetting: true });
}

function readKeyring({ keyring }: DataFolder): Keyring {
  try {
    return parseKeyring(keyring.text);
  } catch (cause) {
    throw new OperatorProblem(`${keyring.file}: ${(cause as Error).message}.`, { cause });
  }
}

const idsBy = (clock: Clock): IdSource => ({
  random: () => randomUUID(),
  timeOrdered: () => uuidV7(clock()),
  unguessable: () => chanceUuidV7(clock()),
});

/** Answers what has arrived; connections end with it, also those that would be kept alive for another request. */
async function closeListener(app: FastifyInstance): Promise<void> {
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50);
  await app.close().finally(() => clearInterval(sweep));
}

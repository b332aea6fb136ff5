import { randomUUID } from 'node:crypto';
import { aloneCluster } from '../src/core/ports/cluster.ts';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCachedDirectory } from '../src/core/instances/cached-directory.ts';
import { createInstance } from '../src/core/instances/create-instance.ts';
import { createWebhook } from '../src/core/instances/create-webhook.ts';
import { runOne } from '../src/core/ports/command.ts';
import type { DeviceKey } from '../src/core/ports/device-store.ts';
import type { HttpPost } from '../src/core/ports/http-client.ts';
import type { WebhookBatch } from '../src/core/ports/instance-store.ts';
import type { PublishContent } from '../src/core/ports/publish-body.ts';
import { generateKeyring, parseKeyring } from '../src/sealing/keyring.ts';
import { createSealer } from '../src/sealing/sealer.ts';
import { Dispatcher, messagesAtATime } from '../src/core/webhooks/dispatcher.ts';
import { retryPolicies } from '../src/core/webhooks/retry-policies.ts';
import { createAddressGuard } from '../src/egress/address-guard.ts';
import { createHttpClient } from '../src/egress/http-client.ts';
import { createSystemNetwork } from '../src/egress/network.ts';
import { createLog } from '../src/logging/create-log.ts';
import { standardOutput } from '../src/logging/standard-output.ts';
import { chanceUuidV7, uuidV7 } from '../src/protocol/uuid-v7.ts';
import { openSqliteStore } from '../src/storage/sqlite/open-sqlite-store.ts';
import { addDevices } from './filled-pharos.ts';

/** An instance with one webhook, with devices that have nothing reported on `publishId` yet. */
export interface Target {
  readonly instanceId: string;
  readonly devices: readonly DeviceKey[];
  publishId: string;
}

export type WebhookWorld = Awaited<ReturnType<typeof openWebhookWorld>>;

const content: PublishContent = {
  web: {
    timeToLiveSeconds: 3_600,
    notification: { title: 'Pharos', body: 'x'.repeat(120), deep_link: 'https://site.example/news' },
    data: {},
  },
};
const reportsPerCommand = 1_000;
const cutOff = (): number => (performance.timeOrigin + performance.now()) % 1;

/** As the server writes it, but into a file. */
const logFolder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
const destination = standardOutput(openSync(join(logFolder, 'log'), 'a'));
const log = createLog({ level: 'info', destination });
process.once('exit', () => rmSync(logFolder, { recursive: true, force: true }));

/** What `main.ts` composes of storage, core and egress to send webhooks, with the log in a file. */
export async function openWebhookWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-bench-'));
  const sealer = createSealer(parseKeyring(generateKeyring()));
  const store = await openSqliteStore({ sealer, file: join(folder, 'pharos.db') });
  const ids = { random: () => randomUUID(), timeOrdered: uuidV7, unguessable: () => chanceUuidV7() };
  const instances = createCachedDirectory({ store, sealer, maxEntries: 10_000 });
  const shared = { store, sealer, ids, log, clock: Date.now, instances, forgetWebhook: instances.forgetWebhook };
  const client = createHttpClient({
    network: createSystemNetwork(),
    guard: createAddressGuard(['127.0.0.0/8']),
    allowHttp: true,
    maxConnectionsPerOrigin: messagesAtATime,
    maxOrigins: messagesAtATime,
  });

  async function newPublish(instanceId: string): Promise<string> {
    const publishId = uuidV7();
    const target = { kind: 'interests', interests: ['all'] } as const;
    const about = {
      instanceId,
      publishId,
      target,
      platforms: ['web' as const],
      body: { content },
    };
    await runOne(store.acceptPublishes, { ...about, urlTarget: null });
    return publishId;
  }

  async function report(target: Target, devices: readonly DeviceKey[]): Promise<void> {
    const facts = { appInBackground: null, hasDisplayableContent: null, hasData: null };
    const about = { publishId: target.publishId, kind: 'displayed', notifiesUserWebhooks: true, ...facts } as const;
    const results = await store.recordReports(devices.map((key) => ({ ...key, ...about, happenedAt: Date.now() })));
    if (!results.every((result) => result.ok && result.value.kind === 'recorded' && result.value.messages === 1))
      throw new Error('a report did not become a message');
  }

  return {
    async addTarget(url: string, deviceCount: number, batch: WebhookBatch | null = null): Promise<Target> {
      const created = await createInstance(shared, { name: 'bench' });
      if (created.kind !== 'created') throw new Error(`the instance: ${created.kind}`);
      const { id } = created.instance;
      const webhook = { url, events: ['v1.NotificationDisplayed'] as const, options: { batch } };
      const { kind } = await createWebhook({ ...shared, allowHttpWebhooks: true }, id, webhook);
      if (kind !== 'created') throw new Error(`the webhook: ${kind}`);
      const devices = await addDevices(store, {
        instanceId: id,
        count: deviceCount,
        addressOf: () => `https://updates.push.services.mozilla.com/wpush/v2/${randomUUID()}`,
        interestsOf: () => ['all'],
      });
      return { instanceId: id, devices, publishId: await newPublish(id) };
    },

    report,

    /** Commits so many events, each with a message for the target's webhook. */
    async writeEvents(target: Target, count: number): Promise<void> {
      for (let left = count; left > 0; left -= target.devices.length) {
        target.publishId = await newPublish(target.instanceId);
        const devices = target.devices.slice(0, left);
        for (let start = 0; start < devices.length; start += reportsPerCommand)
          await report(target, devices.slice(start, start + reportsPerCommand));
      }
    },

    /** `onDelivered` hears of what was delivered after it is recorded: milliseconds since each event. */
    createDispatcher(onDelivered: (delaysMs: readonly number[]) => void, onPost?: (post: HttpPost) => void) {
      return new Dispatcher({
        cluster: aloneCluster,
        ...shared,
        retryPolicies,
        http: {
          post(request) {
            onPost?.(request);
            return client.post(request);
          },
        },
        // They are of whole milliseconds, as the clock is that they end by: what it cut off now is added.
        metrics: { webhookAttempted: ({ delaysMs }) => onDelivered(delaysMs.map((ms) => ms + cutOff())) },
      });
    },

    async close(): Promise<void> {
      await client.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

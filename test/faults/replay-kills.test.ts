import { createECDH, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v4, v7 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import type { DeviceKey } from '../../src/core/ports/device-store.ts';
import { openPostgresStore } from '../../src/storage/postgres/open-postgres-store.ts';
import { openSqliteStore } from '../../src/storage/sqlite/open-sqlite-store.ts';
import type { HttpHandler } from '../support/http-handler.ts';
import type { PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import { createTestAuthority } from '../support/test-authority.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { waitFor } from '../support/wait-for.ts';
import { testSealer } from '../../src/storage/testsuite/test-sealer.ts';

const messageCount = 2_000;
const event = 'v1.UserNotificationOpen';
const host = 'receiver.example';

interface ShownReplay {
  readonly id: string;
  readonly state: string;
  readonly total: number | null;
  readonly resent: number;
}

/** A webhook, and exhausted messages to it: written straight into the store while the server does not run. */
async function writeExhausted(
  pharos: PharosProcess,
): Promise<{ readonly instanceId: string; readonly webhookId: string }> {
  const { id: instanceId } = (await pharos.admin('POST', '/instances', { name: 'replays' })) as { id: string };
  const webhook = { url: `https://${host}/hook`, events: [event] };
  const { id: webhookId } = (await pharos.admin('POST', `/instances/${instanceId}/webhooks`, webhook)) as {
    id: string;
  };
  await pharos.stop();
  const { databaseUrl, dataDir } = pharos;
  const store =
    databaseUrl === null
      ? await openSqliteStore({ sealer: testSealer, file: join(dataDir, 'pharos.db') })
      : await openPostgresStore({ sealer: testSealer, url: databaseUrl });
  const keys = Buffer.concat([createECDH('prime256v1').generateKeys(), randomBytes(16)]);
  const users = Array.from({ length: messageCount }, (_, index) => `user ${index}`);
  const devices = users.map((): DeviceKey => ({ instanceId, platform: 'web', deviceId: v4() }));
  await store.registerDevices(devices.map((device) => ({ ...device, address: device.deviceId, keys, metadata: '{}' })));
  await store.setDeviceUsers(devices.map((device, index) => ({ ...device, user: users[index] ?? '', maxDevices: 1 })));
  const publish = {
    instanceId,
    publishId: v7(),
    platforms: ['web'],
    body: { content: {} },
    urlTarget: null,
  } as const;
  await runOne(store.acceptPublishes, { ...publish, target: { kind: 'users', users } });
  const nothingMore = { appInBackground: null, hasDisplayableContent: null, hasData: null };
  const report = { ...publish, kind: 'open', happenedAt: 0, notifiesUserWebhooks: true, ...nothingMore } as const;
  await store.recordReports(devices.map((device) => ({ ...report, ...device })));
  const targets = [{ instanceId, target: webhookId, room: messageCount, restMs: 0, batch: null }];
  const messages = await runOne(store.claimMessages, { limit: messageCount, leaseMs: 600_000, targets });
  const answer = { address: null, responseHeaders: {}, responseBody: '', requestHash: null };
  const attempt = { startedAt: Date.now(), durationMs: 1, status: 500, error: null, ...answer };
  await store.completeAttempts(messages.map((message) => ({ ...message, attempt, next: { kind: 'exhausted' } })));
  expect(messages).toHaveLength(messageCount);
  await store.close();
  await pharos.start();
  return { instanceId, webhookId };
}

test('a replay that is killed again and again sends each message, and none of them twice without an excuse', async () => {
  const authority = createTestAuthority();
  const arrivals = new Map<string, number[]>();
  const handler: HttpHandler = async ({ headers }) => {
    const id = String(headers['webhook-request-id-uuid']);
    arrivals.set(id, [...(arrivals.get(id) ?? []), Date.now()]);
    return { status: 200 };
  };
  const front = await startTlsFront(authority, { [host]: handler }, { http2: false });
  onTestFinished(() => front.close());
  const pharos = await startPharosProcess({
    authority,
    fronts: [front],
    settings: { PHAROS_LOG_LEVEL: 'warn' },
  });
  onTestFinished(() => pharos.remove());
  const { instanceId, webhookId } = await writeExhausted(pharos);

  const { replays } = await pharos.admin('POST', `/instances/${instanceId}/replays`, { webhookId });
  const [{ id: replayId } = { id: '' }] = replays as ShownReplay[];
  const show = async () =>
    (await pharos.admin('GET', `/instances/${instanceId}/replays/${replayId}`)) as unknown as ShownReplay;

  const kills: number[] = [];
  for (const share of [0.1, 0.4, 0.7]) {
    // What was in flight at the kill before has leases to wait for, with PostgreSQL.
    await waitFor('the replay to get on', () => arrivals.size >= share * messageCount, 120_000);
    await pharos.kill();
    front.dropConnections();
    await delay(0);
    kills.push(Date.now());
    await pharos.start();
  }
  await waitFor('the replay to end', async () => (await show()).state === 'done');
  await waitFor('everything to arrive', () => arrivals.size === messageCount, 120_000);
  expect(await show()).toMatchObject({ total: messageCount, resent: messageCount });
  const isExcused = ([first = 0, ...others]: number[]) =>
    others.every((at) => kills.some((kill) => first <= kill && kill <= at));
  const twice = [...arrivals.values()].filter((times) => times.length > 1);
  expect(twice.filter((times) => !isExcused(times))).toEqual([]);
  // No more than what was in flight at a kill.
  expect(twice.length).toBeLessThanOrEqual(kills.length * 1_024);

  const states = await waitFor('the last attempts to be recorded', async () => {
    const { messages } = (await pharos.admin('GET', `/instances/${instanceId}/messages?state=exhausted`)) as {
      messages: object[];
    };
    const waiting = (await pharos.admin('GET', `/instances/${instanceId}/messages?state=waiting`)) as {
      messages: object[];
    };
    return waiting.messages.length === 0 && { exhausted: messages.length };
  });
  expect(states).toEqual({ exhausted: 0 });
  const [sample = ''] = arrivals.keys();
  const { attempts } = await pharos.admin('GET', `/instances/${instanceId}/messages/${sample}/attempts`);
  expect(attempts).toMatchObject([{ status: 500 }, { status: 200 }]);
}, 600_000);

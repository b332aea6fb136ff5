import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../test/support/postgres.ts';
import { runOne } from '../../core/ports/command.ts';
import type { DeviceKey } from '../../core/ports/device-store.ts';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Store } from '../../core/ports/store.ts';
import { openPostgresStore } from '../postgres/open-postgres-store.ts';
import { openSqliteStore } from '../sqlite/open-sqlite-store.ts';
import {
  accept,
  anInstance,
  aReport,
  aWebhook,
  claimMessages,
  createWebhook,
  fanOut,
  listMessages,
  register,
  toInterests,
  toUsers,
} from '../testsuite/fixtures.ts';
import type { CopyProgress } from './copy-database.ts';
import { copyDatabase } from './copy-database.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

const users = 1_200;

/** A database of a stopped server that has something in nearly every table; one has more rows than one step copies. */
async function aDatabase() {
  const folder = mkdtempSync(join(tmpdir(), 'pharos-copy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'pharos.db');
  const store = await openSqliteStore({ sealer: testSealer, file });
  const content = await fill(store);
  await store.close();
  return { file, ...content };
}

async function fill(store: Store) {
  const instance = anInstance({ feed: true, allowedOrigins: ['https://shop.example'] });
  const instanceId = instance.id;
  await runOne(store.createInstances, instance);
  const events = ['v1.UserNotificationAcknowledgement', 'v1.PublishToUsersAttempt', 'v1.NotificationClicked'] as const;
  await createWebhook(store, aWebhook(instanceId, { events }));
  await createWebhook(store, aWebhook(instanceId, { events, disabledAt: 5 }));
  const names = Array.from({ length: users }, (_, index) => `user-${index}`);
  const device = await register(store, instanceId, { user: 'anna', interests: ['a', 'b\0c'], metadata: '{"a":"ü"}' });
  await runOne(store.changeTags, { ...device, tags: { colour: 'red' }, maxTags: 10 });
  await runOne(store.removeDevices, await register(store, instanceId, { user: 'otto' }));
  const publish = await accept(store, instanceId, toUsers('anna', ...names.slice(1)), {
    urlTarget: 'url:https://a.example',
  });
  await fanOut(store, publish);
  await runOne(store.recordReports, aReport(publish, device));
  const { cursor } = await readFeed(store, instanceId, null);
  await runOne(store.recordReports, aReport(publish, device, { kind: 'clicked', action: 'yes' }));
  await accept(store, instanceId, toInterests('a'));
  // Somebody who will never complete them has claimed these.
  await claimMessages(store, instanceId);
  return { instance, device, publish, cursor };
}

async function readFeed(store: Store, instanceId: string, cursor: string | null) {
  const start = cursor === null ? ({ kind: 'beginning' } as const) : ({ kind: 'cursor', cursor } as const);
  const page = await store.readFeed({ instanceId, start, limit: 100 });
  if (typeof page === 'string') throw new Error(page);
  return page;
}

/** What people see of the store, as far as it does not depend on which database it is. */
async function look(store: Store, instanceId: string, device: DeviceKey, publish: PublishKey) {
  const webhooks = await store.listWebhooks(instanceId);
  return {
    instance: await store.findInstance(instanceId),
    webhooks,
    device: await store.findDevice(device),
    tags: await store.listTags(device),
    publish: await store.viewPublish({ ...publish, countRemainingUpTo: 10 }),
    messages: (
      await Promise.all(webhooks.map(({ id }) => listMessages(store, { instanceId, webhookId: id, limit: 100 })))
    ).map((messages) => messages.map((message) => ({ ...message, dueAt: null }))),
    feed: (await readFeed(store, instanceId, null)).events.map((event) => ({ ...event, cursor: null })),
  };
}

test('a copy that was interrupted again and again is complete in the end, and goes on where the server stopped', async () => {
  const { file, instance, device, publish, cursor } = await aDatabase();
  const { id: instanceId } = instance;
  const target = await createTestDatabase();
  onTestFinished(() => target.drop());
  let steps = 0;
  const onProgress = ({ step }: CopyProgress) => {
    if (step === 'compared') return;
    steps += 1;
    if (steps % 10 === 0) throw new Error('killed');
  };
  const copy = () => copyDatabase({ from: file, to: target.url, onProgress }).catch((error: Error) => error);
  let result = await copy();
  await expect(openPostgresStore({ sealer: testSealer, url: target.url })).rejects.toThrow(
    'a copy that is not finished',
  );
  for (let tries = 0; result instanceof Error && result.message === 'killed' && tries < 50; tries += 1) {
    result = await copy();
  }
  expect(result).toEqual({ rows: expect.any(Number) as number });
  expect(steps).toBeGreaterThan(20);

  const before = await openSqliteStore({ sealer: testSealer, file });
  onTestFinished(() => before.close());
  const after = await openPostgresStore({ sealer: testSealer, url: target.url });
  onTestFinished(() => after.close());
  expect(await look(after, instanceId, device, publish)).toEqual(await look(before, instanceId, device, publish));

  // A cursor of a reader goes on, and what happens now comes behind it.
  const rest = await readFeed(after, instanceId, cursor);
  expect(rest.events.map(({ eventType }) => eventType)).toEqual(['v1.NotificationClicked']);
  await runOne(after.recordReports, aReport(publish, device, { kind: 'clicked', action: 'no' }));
  expect((await readFeed(after, instanceId, rest.cursor)).events).toMatchObject([{ action: 'no' }]);
  // What was claimed is due, and numbers go on.
  expect(await claimMessages(after, instanceId)).not.toEqual([]);
  await register(after, instanceId, { user: 'new' });
  await expect(copyDatabase({ from: file, to: target.url, onProgress() {} })).rejects.toThrow('not empty');
});

test('a copy is refused that would go on with another database, or is not the same in the end', async () => {
  const { file, instance } = await aDatabase();
  const target = await createTestDatabase();
  onTestFinished(() => target.drop());
  const kill = () => {
    throw new Error('killed');
  };
  await expect(copyDatabase({ from: file, to: target.url, onProgress: kill })).rejects.toThrow('killed');
  const store = await openSqliteStore({ sealer: testSealer, file });
  await runOne(store.updateInstances, { id: instance.id, name: randomUUID(), allowedOrigins: null, feed: true });
  await store.close();
  await expect(copyDatabase({ from: file, to: target.url, onProgress() {} })).rejects.toThrow('begin anew');
});

import { v4 } from 'uuid';
import { expect, onTestFinished, test } from 'vitest';
import { runOne } from '../../src/core/ports/command.ts';
import type { Platform } from '../../src/protocol/ids.ts';
import { waitFor } from '../support/wait-for.ts';
import { apnsContent, fcmContent, openPublishingWorld } from './publishing-world.ts';

type World = Awaited<ReturnType<typeof openPublishingWorld>>;

async function open(): Promise<World> {
  const world = await openPublishingWorld();
  onTestFinished(() => world.stop());
  return world;
}

async function registerPhone({ store, instanceId }: World, platform: Platform, user: string): Promise<void> {
  const key = { instanceId, platform, deviceId: v4() };
  await runOne(store.registerDevices, { ...key, address: v4(), keys: new Uint8Array(0), metadata: '{}' });
  await runOne(store.setDeviceUsers, { ...key, user, maxDevices: 100 });
  await runOne(store.replaceInterests, { ...key, interests: ['news'] });
}

const finished = (world: World, publishId: string) =>
  waitFor('the publish to finish', async () => {
    const summary = await world.summarize(publishId);
    return summary.finishedAt !== null && summary;
  });

const content = { fcm: fcmContent, apns: apnsContent };

test('without credentials phones are counted as unauthorized, and their users as failed', async () => {
  const world = await open();
  await registerPhone(world, 'fcm', 'anna');
  await registerPhone(world, 'apns', 'ben');
  const toUsers = await finished(world, await world.publish({ kind: 'users', users: ['anna', 'ben', 'eve'] }, content));
  const unauthorized = { accepted: 0, gone: 0, rejected: 0, failed: 0, unauthorized: 1 };
  expect(toUsers.counts).toEqual({ fcm: unauthorized, apns: unauthorized });
  expect(toUsers.users).toMatchObject({ delivered: [], noDevices: ['eve'], failed: ['anna', 'ben'] });
  const toNews = await finished(world, await world.publish({ kind: 'interests', interests: ['news'] }, content));
  expect(toNews.counts).toEqual({ fcm: unauthorized, apns: unauthorized });
  await world.stop();
  expect(JSON.stringify(world.logged)).toContain('no FCM credentials are set for this instance');
});

test('a user with a browser and a phone is delivered to; phones without content are no part of it', async () => {
  const world = await open();
  await registerPhone(world, 'fcm', 'anna');
  await world.register('a', { user: 'anna' });
  const web = { timeToLiveSeconds: 60, notification: {}, data: {} };
  const both = await finished(world, await world.publish({ kind: 'users', users: ['anna'] }, { ...content, web }));
  expect(both.counts).toMatchObject({ fcm: { unauthorized: 1 }, web: { accepted: 1 } });
  expect(both.users).toMatchObject({ delivered: ['anna'], failed: [] });
  const onlyWeb = await finished(world, await world.publish({ kind: 'users', users: ['anna'] }, { web }));
  expect(onlyWeb.counts).toEqual({ web: { accepted: 1, gone: 0, rejected: 0, failed: 0, unauthorized: 0 } });
});

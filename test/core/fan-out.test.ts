import { afterEach, expect, test } from 'vitest';
import type { DeliveryOutcome } from '../../src/core/ports/gateway.ts';
import { runOne } from '../../src/core/ports/command.ts';
import { waitFor } from '../support/wait-for.ts';
import { fcmContent, openPublishingWorld, webContent } from './publishing-world.ts';

type World = Awaited<ReturnType<typeof openPublishingWorld>>;
const worlds: World[] = [];
const open = async (options?: Parameters<typeof openPublishingWorld>[0]): Promise<World> => {
  const world = await openPublishingWorld(options);
  worlds.push(world);
  return world;
};
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop();
});

const failed: DeliveryOutcome = { kind: 'failed', reason: 'reset', retryAfterMs: null };
const gone: DeliveryOutcome = { kind: 'gone', reason: '410' };
const rejected: DeliveryOutcome = { kind: 'rejected', reason: '403' };
const toUsers = (...users: string[]) => ({ kind: 'users', users }) as const;
const toInterests = (...interests: string[]) => ({ kind: 'interests', interests }) as const;

test('each user stands in exactly one list, whatever became of the devices', async () => {
  const world = await open({ answers: { 'b-gone': [gone], 'd-gone': [gone], 'e-rejected': [rejected] } });
  await world.register('a', { user: 'anna' });
  await world.register('b', { user: 'ben' });
  await world.register('b-gone', { user: 'ben' });
  await world.register('d-gone', { user: 'dora' });
  await world.register('e-rejected', { user: 'emil' });
  await world.register('other', { user: 'nobody asked for' });
  const publishId = await world.publish(toUsers('anna', 'ben', 'clara', 'dora', 'emil', 'anna'));

  const summary = await world.waitUntilFinished(publishId);
  expect(summary.users).toMatchObject({
    delivered: ['anna', 'ben'],
    noDevices: ['clara'],
    failed: ['dora', 'emil'],
  });
  expect(summary.counts).toEqual({ web: { accepted: 2, gone: 2, rejected: 1, failed: 0, unauthorized: 0 } });
  expect(world.finished()).toBe(1);
});

test('a device of several interests is reached once, in pages', async () => {
  const world = await open();
  for (let index = 0; index < 250; index++) {
    await world.register(`device ${index}`, { interests: index % 2 ? ['news', 'sport'] : ['news'] });
  }
  await world.register('elsewhere', { interests: ['other'] });
  const summary = await world.waitUntilFinished(await world.publish(toInterests('sport', 'news')));

  expect(summary.counts).toEqual({ web: { accepted: 250, gone: 0, rejected: 0, failed: 0, unauthorized: 0 } });
  expect(world.attempts.toSorted()).toEqual(Array.from({ length: 250 }, (_, index) => `device ${index}`).toSorted());
  expect(world.batches).toEqual([100, 100, 50]);
});

test('a publish to nobody finishes', async () => {
  const world = await open();
  const summary = await world.waitUntilFinished(await world.publish(toInterests('nobody-listens')));
  expect(summary.counts).toEqual({});
  expect(world.attempts).toEqual([]);
});

test('a device that is gone is not tried by the next publish', async () => {
  const world = await open({ answers: { a: [gone] } });
  const key = await world.register('a', { interests: ['news'] });
  await world.waitUntilFinished(await world.publish(toInterests('news')));
  await world.waitUntilFinished(await world.publish(toInterests('news')));
  expect(world.attempts).toEqual(['a']);
  expect(await world.store.findDevice(key)).toBeNull();
});

test('a rejected device is kept', async () => {
  const world = await open({ answers: { a: [rejected] } });
  await world.register('a', { interests: ['news'] });
  await world.waitUntilFinished(await world.publish(toInterests('news')));
  await world.waitUntilFinished(await world.publish(toInterests('news')));
  expect(world.attempts).toEqual(['a', 'a']);
});

test('a failed delivery is tried again while the others are settled', async () => {
  const world = await open({ answers: { a: [failed, { kind: 'accepted' }] } });
  await world.register('a', { user: 'anna' });
  await world.register('b', { user: 'ben' });
  const publishId = await world.publish(toUsers('anna', 'ben'));
  await waitFor('the first attempts', () => world.attempts.length === 2);
  const summary = await world.waitUntilFinished(publishId);
  expect(world.attempts).toEqual(['a', 'b', 'a']);
  expect(summary.users.delivered).toEqual(['anna', 'ben']);
});

test('a delivery that keeps failing is given up', async () => {
  const world = await open({ answers: { a: [failed] }, giveUpAfterMs: 1_200 });
  await world.register('a', { user: 'anna' });
  const summary = await world.waitUntilFinished(await world.publish(toUsers('anna')));
  expect(summary.users.failed).toEqual(['anna']);
  expect(summary.counts).toEqual({ web: { accepted: 0, gone: 0, rejected: 0, failed: 1, unauthorized: 0 } });
  expect(world.attempts.length).toBeGreaterThan(1);
});

test('with a time to live of zero there is one attempt', async () => {
  const world = await open({ answers: { a: [failed] } });
  await world.register('a', { interests: ['news'] });
  const content = { web: webContent({ timeToLiveSeconds: 0 }) };
  await world.waitUntilFinished(await world.publish(toInterests('news'), content));
  expect(world.attempts).toEqual(['a']);
});

test('a service that never answers holds up neither its page nor later publishes', async () => {
  const { promise: silence, resolve: answer } = Promise.withResolvers<DeliveryOutcome>();
  const world = await open({ answers: { silent: [silence] } });
  await world.register('silent', { user: 'sam' });
  await world.register('b', { user: 'ben' });
  const publishId = await world.publish(toUsers('sam', 'ben'));
  const counted = await waitFor('the answered delivery to be recorded', async () => {
    const { counts, finishedAt } = await world.summarize(publishId);
    return counts.web && { ...counts.web, finishedAt };
  });
  expect(counted).toMatchObject({ accepted: 1, finishedAt: null });
  expect((await world.waitUntilFinished(await world.publish(toUsers('ben')))).users.delivered).toEqual(['ben']);

  answer({ kind: 'accepted' });
  expect((await world.waitUntilFinished(publishId)).users.delivered).toEqual(['sam', 'ben']);
  expect(world.attempts.filter((address) => address === 'silent')).toHaveLength(1);
});

test('content for phones only reaches no browser', async () => {
  const world = await open();
  await world.register('a', { user: 'anna' });
  const summary = await world.waitUntilFinished(await world.publish(toUsers('anna'), { fcm: fcmContent }));
  expect(summary.users.noDevices).toEqual(['anna']);
  expect(world.attempts).toEqual([]);
});

test('stopping waits for what is in flight and loses nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<DeliveryOutcome>();
  const world = await openPublishingWorld({ answers: { slow: [promise] } });
  await world.register('slow', { user: 'sam' });
  const publishId = await world.publish(toUsers('sam'));
  await waitFor('the attempt', () => world.attempts.length === 1);
  const stopping = world.stopFanOut();
  resolve({ kind: 'accepted' });
  await stopping;
  expect((await world.summarize(publishId)).users.delivered).toEqual(['sam']);
  await world.stop();
});

/** Publishes wait for a process that has just started; two pages are on their way to devices that do not answer yet. */
async function openAtTheBeginning(publishes: number) {
  const { promise: silence, resolve: answer } = Promise.withResolvers<DeliveryOutcome>();
  const addresses = Array.from({ length: 250 }, (_, index) => `device ${index}`);
  const world = await open({ answers: Object.fromEntries(addresses.map((address) => [address, [silence]])) });
  await world.registerMany(addresses, 'news');
  const { recordPages } = world.store;
  let begun: number | null = null;
  Object.assign(world.store, {
    recordPages: (pages: Parameters<typeof recordPages>[0]) => {
      begun ??= world.batches.length;
      return recordPages(pages);
    },
  });
  const ids = await Promise.all(Array.from({ length: publishes }, () => world.publish(toInterests('news'))));
  await waitFor('two pages', () => world.batches.length >= 2);
  return { world, ids, answer: () => answer({ kind: 'accepted' }), begunBeforeFirstRecord: () => begun };
}

test('a process that has just started begins with two pages, however many wait, and records one before the third', async () => {
  const { world, ids, answer, begunBeforeFirstRecord } = await openAtTheBeginning(4);
  answer();
  for (const id of ids) expect((await world.waitUntilFinished(id)).counts.web).toMatchObject({ accepted: 250 });
  expect(begunBeforeFirstRecord()).toBeLessThanOrEqual(2);
  expect(world.attempts).toHaveLength(1_000);
});

test('a publish that is canceled while its next page waits for room finishes at once, without it', async () => {
  const { world, ids, answer, begunBeforeFirstRecord } = await openAtTheBeginning(2);
  const { instanceId } = world;
  for (const publishId of ids) await runOne(world.store.cancelPublishes, { instanceId, publishId });
  // Else the machine took a second for that: the first pages were parked, and the next ones begun.
  const inTime = begunBeforeFirstRecord() === null;
  answer();
  // Sooner than the leases of their ranges run out.
  for (const id of ids) await world.waitUntilFinished(id, 20_000);
  // A range that had no room for its first page learns of it when that is recorded.
  expect(world.attempts.length).toBeLessThanOrEqual(inTime ? 300 : 500);
});

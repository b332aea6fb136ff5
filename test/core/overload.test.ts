import { afterEach, expect, test } from 'vitest';
import { StoreUnavailable } from '../../src/core/ports/command.ts';
import type { DeliveryOutcome } from '../../src/core/ports/gateway.ts';
import { storage } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Answers } from './publishing-world.ts';
import { openPublishingWorld } from './publishing-world.ts';

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

const failed: DeliveryOutcome = { kind: 'failed', reason: 'connection refused', retryAfterMs: null };
const accepted: DeliveryOutcome = { kind: 'accepted' };
const news = { kind: 'interests', interests: ['news'] } as const;
const addresses = (count: number): string[] => Array.from({ length: count }, (_, index) => `device ${index}`);
const allAnswer = (count: number, ...answers: Answers[string]): Answers =>
  Object.fromEntries(addresses(count).map((address) => [address, answers]));

/** `npm run test:soak` sets it to 200,000. On PostgreSQL a device takes three times as long to register. */
const broadcastSize = Number(process.env['BROADCAST_SIZE'] ?? (storage === 'postgres' ? 12_000 : 20_000));
const registeredAtOnce = 10_000;

test(
  `a publish to one user overtakes a broadcast to ${broadcastSize} that was there before it`,
  async () => {
    const timeoutMs = 60_000 + broadcastSize;
    const world = await open();
    const devices = addresses(broadcastSize);
    for (let first = 0; first < broadcastSize; first += registeredAtOnce)
      await world.registerMany(devices.slice(first, first + registeredAtOnce), 'news');
    await world.register('anna', { user: 'anna' });
    const broadcast = await world.publish(news);
    await waitFor('the middle of the broadcast', () => world.attempts.length >= broadcastSize / 2, timeoutMs);
    await world.publish({ kind: 'users', users: ['anna'] });
    await world.waitUntilFinished(broadcast, timeoutMs);
    expect(world.attempts).toHaveLength(broadcastSize + 1);
    const before = world.attempts.indexOf('anna');
    console.log(`${before} of ${broadcastSize} went out before the one`);
    expect(before).toBeLessThan(0.9 * broadcastSize);
  },
  150_000 + 2 * broadcastSize,
);

test('a dead service is told in lines by the second, not by the device, and its devices are tried again together', async () => {
  const world = await open({ answers: allAnswer(1_000, failed, accepted) });
  await world.registerMany(addresses(1_000), 'news');
  const summary = await world.waitUntilFinished(await world.publish(news));
  expect(summary.counts.web).toMatchObject({ accepted: 1_000 });
  expect(world.attempts).toHaveLength(2_000);
  expect(world.logged.length).toBeLessThan(30);
  expect(world.logged.find(({ event }) => event === 'delivery.not-accepted')?.fields).toMatchObject({
    failed: 0,
    reasons: [expect.stringMatching(/^failed: connection refused \(\d+ times\)$/)],
  });
  // Ten pages the first time; the second time as they fell due, not one by one.
  expect(world.batches.length).toBeLessThan(100);
});

test('deferred deliveries that are never answered hold up no other deferred delivery', async () => {
  const { promise: silence, resolve: answer } = Promise.withResolvers<DeliveryOutcome>();
  const world = await open({ answers: { ...allAnswer(600, failed, silence), anna: [failed, failed, accepted] } });
  await world.registerMany(addresses(600), 'news');
  await world.register('anna', { user: 'anna' });
  const broadcast = await world.publish(news);
  await waitFor('every device to be tried', () => world.attempts.length >= 600);
  const toAnna = await world.publish({ kind: 'users', users: ['anna'] });
  expect((await world.waitUntilFinished(toAnna)).users.delivered).toEqual(['anna']);
  expect((await world.summarize(broadcast)).finishedAt).toBeNull();
  answer(accepted);
  expect((await world.waitUntilFinished(broadcast)).counts.web).toMatchObject({ accepted: 600 });
});

test('what was sent is recorded once the store takes it again, and not sent twice', async () => {
  const world = await open({ answers: { anna: [failed, accepted] } });
  await world.register('anna', { interests: ['news'] });
  await world.register('ben', { interests: ['news'] });
  const { recordPages, completeDeliveries } = world.store;
  let refused = 0;
  const refuseTwice =
    <Items, Results>(command: (items: Items) => Promise<Results>, from: number) =>
    (items: Items): Promise<Results> => {
      if (refused >= from + 2) return command(items);
      refused += 1;
      return Promise.reject(new StoreUnavailable('the queue of the store is full'));
    };
  Object.assign(world.store, {
    recordPages: refuseTwice(recordPages, 0),
    completeDeliveries: refuseTwice(completeDeliveries, 2),
  });
  const summary = await world.waitUntilFinished(await world.publish(news));
  expect(refused).toBe(4);
  expect(summary.counts.web).toMatchObject({ accepted: 2 });
  expect(world.attempts).toEqual(['anna', 'ben', 'anna']);
});

test('what was sent is not sent again however long the store cannot record it, although its lease has ended', async () => {
  const world = await open();
  await world.register('anna', { interests: ['news'] });
  const { claimRanges, recordPages } = world.store;
  let claimed = false;
  let refused = 0;
  let refusing = true;
  Object.assign(world.store, {
    // The lease of the first claim is over at once; nobody else claims before its work was refused.
    claimRanges: async (items: Parameters<typeof claimRanges>[0]) => {
      if (claimed && refused === 0) return items.map(() => ({ ok: true, value: [] }));
      const results = await claimRanges(items.map((item) => ({ ...item, leaseMs: claimed ? item.leaseMs : 1 })));
      claimed ||= results.some((result) => result.ok && result.value.length > 0);
      return results;
    },
    recordPages: (items: Parameters<typeof recordPages>[0]) => {
      if (!refusing) return recordPages(items);
      refused += 1;
      return Promise.reject(new StoreUnavailable('the disk is full'));
    },
  });
  const publishId = await world.publish(news);
  await waitFor('the record to be refused', () => refused > 0);
  world.fanOut.wake();
  await waitFor('the record to be refused again and again', () => refused >= 4);
  refusing = false;
  expect((await world.waitUntilFinished(publishId)).counts.web).toMatchObject({ accepted: 1 });
  expect(world.attempts).toEqual(['anna']);
});

test('an answer of the store that is lost keeps nothing waiting, and parked deliveries are recorded once', async () => {
  const { promise: silence, resolve: answer } = Promise.withResolvers<DeliveryOutcome>();
  const world = await open({ answers: { anna: [silence] } });
  await world.register('anna', { interests: ['news'] });
  const { recordPages, completeDeliveries } = world.store;
  const loseFirstAnswer = <Items, Results>(command: (items: Items) => Promise<Results>) => {
    let lost = false;
    return async (items: Items): Promise<Results> => {
      const results = await command(items);
      if (lost) return results;
      lost = true;
      throw new StoreUnavailable('the storage thread ended');
    };
  };
  Object.assign(world.store, {
    recordPages: loseFirstAnswer(recordPages),
    completeDeliveries: loseFirstAnswer(completeDeliveries),
  });
  const publishId = await world.publish(news);
  await waitFor('the page to be recorded', async () => (await world.store.nextDue()).ranges === null);
  answer(accepted);
  expect((await world.waitUntilFinished(publishId)).counts.web).toMatchObject({ accepted: 1 });
  await waitFor('the dispatcher to be told', () => world.finished() > 0);
  expect(world.attempts).toEqual(['anna']);
});

test('a page on its way is recorded even when the next one cannot be read', async () => {
  const world = await open();
  await world.registerMany(addresses(150), 'news');
  const readAudiencePage = world.store.readAudiencePage.bind(world.store);
  let pages = 0;
  world.store.readAudiencePage = (...args) =>
    (pages += 1) === 2 ? Promise.reject(new Error('no such page')) : readAudiencePage(...args);
  const publishId = await world.publish(news);
  const counts = await waitFor('the first page', async () => (await world.summarize(publishId)).counts.web);
  expect(counts.accepted).toBe(100);
});

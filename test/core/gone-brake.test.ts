import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GoneBrake } from '../../src/core/delivery/gone-brake.ts';
import { openGoneBrake } from '../../src/core/delivery/gone-brake.ts';
import type { DeliveryOutcome } from '../../src/core/ports/gateway.ts';
import type { Store } from '../../src/core/ports/store.ts';
import { openTestStore } from '../support/test-store.ts';
import { waitFor } from '../support/wait-for.ts';
import { openPublishingWorld } from './publishing-world.ts';

let store: Store;
let now = 0;
let logged: string[] = [];
beforeEach(async () => {
  store = await openTestStore();
  now = 1_000_000;
  logged = [];
});
afterEach(() => store.close());

const write = (event: string): void => void logged.push(event);
const log = { info: write, warn: write, error: write };
const openBrake = (): Promise<GoneBrake> => openGoneBrake({ store, clock: () => now, log, goneShare: 0.25 });
/** Judges so many answers; how many of the devices were kept. */
function answers(brake: GoneBrake, kind: 'accepted' | 'gone', count: number, address = 'https://push.test/x'): number {
  let kept = 0;
  for (let index = 0; index < count; index++) if (brake.judge({ platform: 'web', address }, kind) === 'keep') kept += 1;
  return kept;
}

test('removes what is gone as long as it is a small part, or little', async () => {
  const brake = await openBrake();
  expect(answers(brake, 'gone', 99)).toBe(0);
  expect(answers(brake, 'accepted', 400)).toBe(0);
  expect(answers(brake, 'gone', 30)).toBe(0);
  expect(brake.list()).toMatchObject([{ origin: 'https://push.test', state: 'normal', answered: 529, gone: 129 }]);
  expect(logged).toEqual([]);
});

test('keeps the devices of one origin once a quarter of its answers is gone, and tells once', async () => {
  const brake = await openBrake();
  answers(brake, 'accepted', 1_500);
  expect(answers(brake, 'gone', 5_000)).toBeGreaterThan(4_300);
  expect(answers(brake, 'gone', 50, 'https://other.test/x')).toBe(0);
  expect(logged).toEqual(['push-origin.braked']);
  expect(brake.list()).toMatchObject([
    { origin: 'https://other.test', state: 'normal' },
    { origin: 'https://push.test', state: 'braked', since: now },
  ]);
});

test('ends by itself when the share has fallen to half', async () => {
  const brake = await openBrake();
  answers(brake, 'gone', 200);
  answers(brake, 'accepted', 600);
  expect(brake.list()).toMatchObject([{ state: 'braked' }]);
  answers(brake, 'accepted', 1_500);
  expect(brake.list()).toMatchObject([{ state: 'normal' }]);
  expect(answers(brake, 'gone', 1)).toBe(0);
  expect(logged).toEqual(['push-origin.braked', 'push-origin.brake-ended']);
  await waitFor('it to be stored', async () => (await store.listPushOrigins()).length === 0);
});

test('a quiet time alone does not end it', async () => {
  const brake = await openBrake();
  answers(brake, 'gone', 200);
  now += 24 * 60 * 60_000;
  answers(brake, 'accepted', 1);
  expect(brake.list()).toMatchObject([{ state: 'braked' }]);
});

test('the operator ends it for a day', async () => {
  const brake = await openBrake();
  expect(await brake.resume('https://push.test')).toBeNull();
  answers(brake, 'gone', 200);
  expect(await brake.resume('https://push.test')).toMatchObject({ state: 'released', since: now, kept: 101 });
  expect(answers(brake, 'gone', 500)).toBe(0);
  now += 24 * 60 * 60_000;
  answers(brake, 'gone', 1);
  expect(answers(brake, 'gone', 500)).toBeGreaterThan(300);
});

test('holds after a restart, and says so', async () => {
  answers(await openBrake(), 'gone', 200);
  await waitFor('it to be stored', async () => (await store.listPushOrigins()).length === 1);
  logged = [];
  const brake = await openBrake();
  expect(logged).toEqual(['push-origin.braked']);
  expect(answers(brake, 'gone', 10)).toBe(10);
  expect(await brake.resume('https://push.test')).toMatchObject({ state: 'released' });
});

test('a service that calls everyone gone costs few devices, and the publish still counts them', async () => {
  const gone: DeliveryOutcome = { kind: 'gone', reason: '410' };
  const addresses = Array.from({ length: 1_000 }, (_, index) => `https://push.test/${index}`);
  const world = await openPublishingWorld({ answers: Object.fromEntries(addresses.map((one) => [one, [gone]])) });
  await world.registerMany(addresses, 'news');
  const news = { kind: 'interests', interests: ['news'] } as const;
  const first = await world.waitUntilFinished(await world.publish(news));
  expect(first.counts.web).toMatchObject({ accepted: 0, gone: 1_000 });
  const tried = world.attempts.length;
  await world.waitUntilFinished(await world.publish(news));
  expect(world.attempts.length - tried).toBe(1_000 - 99);
  await world.stop();
});

import { expect, onTestFinished, test } from 'vitest';
import { CannotOpen } from '../../src/core/ports/sealer.ts';
import { waitFor } from '../support/wait-for.ts';
import { openPublishingWorld } from './publishing-world.ts';

const [failed, accepted] = [
  { kind: 'failed', reason: 'the service is down', retryAfterMs: null },
  { kind: 'accepted' },
] as const;

/** A world that can lose the key of its publishes, and whose waits are short; `asked` are those that core wanted. */
async function worldWithKey() {
  const world = await openPublishingWorld({ answers: { ben: [failed, accepted] } });
  onTestFinished(() => world.stop());
  const { sealer, store } = world;
  const open = sealer.open.bind(sealer);
  const { recordPages, completeDeliveries } = store;
  const asked: number[] = [];
  const shorten = (ms: number): number => {
    asked.push(ms);
    return Math.min(ms, 20);
  };
  type Completions = Parameters<typeof completeDeliveries>[0];
  const shortened = ({ delivery, ...item }: Completions[number]): Completions[number] => {
    const { outcome } = delivery;
    if (outcome.kind !== 'deferred') return { ...item, delivery };
    return { ...item, delivery: { ...delivery, outcome: { ...outcome, retryInMs: shorten(outcome.retryInMs) } } };
  };
  Object.assign(store, {
    completeDeliveries: (items: Completions) => completeDeliveries(items.map(shortened)),
    recordPages: (items: Parameters<typeof recordPages>[0]) =>
      recordPages(items.map((item) => ({ ...item, leaseMs: shorten(item.leaseMs) }))),
  });
  return {
    ...world,
    asked,
    loseKey() {
      sealer.open = () => {
        throw new CannotOpen('the keyring has no key 12345678');
      };
    },
    restoreKey() {
      sealer.open = open;
    },
  };
}

test('a publish whose master key is missing waits for it, less and less often asked for, and is sent once', async () => {
  const world = await worldWithKey();
  await world.register('anna', { interests: ['news'] });
  world.loseKey();
  const publishId = await world.publish({ kind: 'interests', interests: ['news'] });
  await waitFor('it to be postponed again and again', () => world.asked.length >= 3);
  expect(Math.min(...world.asked)).toBeGreaterThanOrEqual(30_000);
  expect(world.logged).toContainEqual({
    event: 'range.failed',
    fields: expect.objectContaining({ error: expect.any(CannotOpen) }),
  });
  expect(world.attempts).toEqual([]);
  world.restoreKey();
  expect((await world.waitUntilFinished(publishId)).counts.web).toMatchObject({ accepted: 1 });
  expect(world.attempts).toEqual(['anna']);
});

test('so does a delivery that is to be tried again', async () => {
  const world = await worldWithKey();
  await world.register('ben', { interests: ['news'] });
  const publishId = await world.publish({ kind: 'interests', interests: ['news'] });
  await waitFor('the first attempt to be recorded', async () => (await world.store.nextDue()).ranges === null);
  world.loseKey();
  world.asked.length = 0;
  await waitFor('it to be postponed again and again', () => world.asked.length >= 3);
  expect(Math.min(...world.asked)).toBeGreaterThanOrEqual(30_000);
  world.restoreKey();
  expect((await world.waitUntilFinished(publishId)).counts.web).toMatchObject({ accepted: 1 });
  expect(world.attempts).toEqual(['ben', 'ben']);
});

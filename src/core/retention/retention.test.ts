import { aloneCluster } from '../ports/cluster.ts';
import { expect, it, onTestFinished } from 'vitest';
import type { DeleteExpired } from '../ports/retention-store.ts';
import type { RetentionDeps } from './retention.ts';
import { Retention } from './retention.ts';

const dayMs = 86_400_000;
const now = 100 * dayMs;

function aRetention(steps: Record<string, number>, failures = 0) {
  const asked: DeleteExpired[] = [];
  const dropped: number[] = [];
  const logged: string[] = [];
  const steppedFrom: (string | null)[] = [];
  let failuresLeft = failures;
  const store: RetentionDeps['store'] = {
    dropExpiredDays: async (items) =>
      items.map(({ before }) => {
        dropped.push(before);
        return { ok: true, value: { more: dropped.length < 3 } };
      }),
    listDeletedWebhooks: async () => [{ instanceId: 'one', id: 'deleted' }],
    dropMessages: async (items) =>
      items.map(({ after }) => {
        steppedFrom.push(after);
        return { ok: true, value: { more: after !== 'b', after: after === null ? 'a' : 'b' } };
      }),
    listInstances: async () => Object.keys(steps).map((id) => ({ id })) as never,
    deleteExpired: async (items) =>
      items.map((item) => {
        if (failuresLeft-- > 0) throw new Error('unavailable');
        asked.push(item);
        const left = (steps[item.instanceId] ?? 0) - 1;
        steps[item.instanceId] = left;
        return { ok: true, value: { deleted: 5, more: left > 0 } };
      }),
  };
  const record = (event: string) => void logged.push(event);
  const log = { info: record, warn: record, error: record };
  const retention = new Retention({ store, cluster: aloneCluster, clock: () => now, log, retentionDays: 30 });
  onTestFinished(() => retention.stop());
  retention.start();
  return { asked, dropped, logged, retention, steppedFrom };
}

it('takes steps for each instance until nothing is left, with the days of the setting', async () => {
  const { asked, logged } = aRetention({ one: 3, two: 1 });
  await expect.poll(() => logged).toEqual(['retention.deleted', 'retention.deleted']);
  expect(asked.map(({ instanceId }) => instanceId)).toEqual(['one', 'one', 'one', 'two']);
  for (const { before, maxRows } of asked) {
    expect(before).toBe(now - 30 * dayMs);
    expect(maxRows).toBeLessThanOrEqual(1_000);
  }
});

it('drops whole days before, as long as there are more', async () => {
  const { asked, dropped } = aRetention({ one: 1 });
  await expect.poll(() => asked.length).toBe(1);
  expect(dropped).toEqual([now - 30 * dayMs, now - 30 * dayMs, now - 30 * dayMs]);
});

it('drops what the deletion of a webhook has left, step by step', async () => {
  const { asked, steppedFrom } = aRetention({ one: 1 });
  await expect.poll(() => asked.length).toBe(1);
  expect(steppedFrom).toEqual([null, 'a', 'b']);
});

it('goes on living after a failure, and stops when it is told to', async () => {
  const { logged, retention } = aRetention({ one: 1 }, 1);
  await expect.poll(() => logged).toEqual(['retention.failed']);
  await retention.stop();
});

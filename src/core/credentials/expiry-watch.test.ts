import { expect, onTestFinished, test, vi } from 'vitest';
import { aloneCluster } from '../ports/cluster.ts';
import { StoreUnavailable } from '../ports/command.ts';
import { ExpiryWatch } from './expiry-watch.ts';

const dayMs = 86_400_000;
const now = Date.parse('2026-01-01T00:00:00Z');
const record = {
  instanceId: 'i',
  platform: 'apns',
  fingerprint: 'f',
  setAt: 0,
  expiresAt: now + 31.5 * dayMs,
} as const;

/** What was told of credentials that expire 31.5 days from the start. */
function watchOver({ fails = 0 } = {}) {
  vi.useFakeTimers({ now });
  const warned: string[] = [];
  const announced: number[] = [];
  let failures = fails;
  const watch = new ExpiryWatch({
    store: {
      listExpiringCredentials: async ({ since, before }) =>
        since <= record.expiresAt && record.expiresAt < before ? [record] : [],
      announceExpiring: async (items) => {
        if (failures-- > 0) throw new StoreUnavailable('no disk');
        return items.map(({ before, limit }) => {
          const isDue = announced.length === 0 && record.expiresAt < before;
          if (isDue) announced.push(Date.now());
          return { ok: true, value: isDue ? Array.from({ length: limit }, () => record) : [] };
        });
      },
    },
    cluster: aloneCluster,
    clock: Date.now,
    log: { info: () => {}, warn: (event) => void warned.push(event), error: (event) => void warned.push(event) },
  });
  onTestFinished(async () => {
    await watch.stop();
    vi.useRealTimers();
  });
  watch.start();
  return { warned, announced };
}

test('credentials are warned of 30 days ahead, every day, and called expired when they are', async () => {
  const { warned } = watchOver();
  await vi.advanceTimersByTimeAsync(1.4 * dayMs);
  expect(warned).toEqual([]);
  await vi.advanceTimersByTimeAsync(dayMs);
  expect(warned).toEqual(['credentials.expire-soon']);
  await vi.advanceTimersByTimeAsync(30 * dayMs);
  expect(warned.slice(-2)).toEqual(['credentials.expire-soon', 'credentials.expired']);
  await vi.advanceTimersByTimeAsync(60 * dayMs);
  const { length } = warned;
  await vi.advanceTimersByTimeAsync(dayMs);
  expect(warned).toHaveLength(length);
});

test('webhooks are told within the hour, also when the store could not take it at first', async () => {
  const { warned, announced } = watchOver({ fails: 3 });
  await vi.advanceTimersByTimeAsync(2 * dayMs);
  expect(announced).toEqual([now + 1.5 * dayMs + 3_600_000]);
  expect(warned.filter((event) => event === 'credentials.watch-failed')).toHaveLength(3);
});

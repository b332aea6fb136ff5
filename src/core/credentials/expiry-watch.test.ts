import { expect, onTestFinished, test, vi } from 'vitest';
import { ExpiryWatch } from './expiry-watch.ts';

const dayMs = 86_400_000;
const now = Date.parse('2026-01-01T00:00:00Z');

test('credentials are warned of 30 days ahead, every day, and called expired when they are', async () => {
  vi.useFakeTimers({ now });
  const warned: string[] = [];
  const record = {
    instanceId: 'i',
    platform: 'apns',
    fingerprint: 'f',
    setAt: 0,
    expiresAt: now + 31.5 * dayMs,
  } as const;
  const watch = new ExpiryWatch({
    store: { listExpiringCredentials: async ({ before }) => (record.expiresAt < before ? [record] : []) },
    clock: Date.now,
    log: { info: () => {}, warn: (event) => void warned.push(event), error: (event) => void warned.push(event) },
  });
  onTestFinished(async () => {
    await watch.stop();
    vi.useRealTimers();
  });
  watch.start();
  await vi.advanceTimersByTimeAsync(1.9 * dayMs);
  expect(warned).toEqual([]);
  await vi.advanceTimersByTimeAsync(dayMs);
  expect(warned).toEqual(['credentials.expire-soon']);
  await vi.advanceTimersByTimeAsync(30 * dayMs);
  expect(warned.slice(-2)).toEqual(['credentials.expire-soon', 'credentials.expired']);
});

import { expect, onTestFinished, test, vi } from 'vitest';
import { StoreUnavailable } from '../ports/command.ts';
import { whileUnavailable } from './while-unavailable.ts';

test('what was sent is recorded, however long the store stays away', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  let calls = 0;
  const recorded = await whileUnavailable(async () => {
    vi.advanceTimersByTime(3_600_000);
    calls += 1;
    if (calls < 3) throw new StoreUnavailable('the disk is full');
    return 'recorded';
  });
  expect(recorded).toBe('recorded');
});

test('another error ends it', async () => {
  const call = vi.fn(() => Promise.reject(new Error('a bug')));
  await expect(whileUnavailable(call)).rejects.toThrow('a bug');
  expect(call).toHaveBeenCalledOnce();
});

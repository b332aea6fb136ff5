import { expect, it } from 'vitest';
import { widenThreadPool } from './widen-thread-pool.ts';

it('widens the pool of threads, unless the operator has said how wide it is', () => {
  const unset: Record<string, string> = {};
  widenThreadPool(unset);
  expect(unset).toEqual({ UV_THREADPOOL_SIZE: '16' });
  const chosen = { UV_THREADPOOL_SIZE: '8' };
  widenThreadPool(chosen);
  expect(chosen).toEqual({ UV_THREADPOOL_SIZE: '8' });
});

import { expect, test } from 'vitest';
import { createResolver } from './resolver.ts';

/** A resolver over lookups that the test answers, and a clock that it sets. */
function openResolver() {
  const clock = { now: 0 };
  const asked: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<readonly string[]>>();
  const resolve = createResolver({
    now: () => clock.now,
    lookup(hostname) {
      asked.push(hostname);
      const answer = Promise.withResolvers<readonly string[]>();
      answers.set(hostname, answer);
      return answer.promise;
    },
  });
  const answer = async (hostname: string, result: readonly string[] | Error): Promise<void> => {
    const pending = answers.get(hostname);
    if (result instanceof Error) pending?.reject(result);
    else pending?.resolve(result);
    // What waits for it has run when the event loop comes round.
    await new Promise((done) => setImmediate(done));
  };
  return { resolve, clock, asked, answer };
}

test('one lookup for all who ask at once, and for those who ask soon', async () => {
  const { resolve, clock, asked, answer } = openResolver();
  const both = Promise.all([resolve('a.test'), resolve('a.test')]);
  await answer('a.test', ['34.1.1.1']);
  expect(await both).toEqual([['34.1.1.1'], ['34.1.1.1']]);
  clock.now = 29_999;
  expect(await resolve('a.test')).toEqual(['34.1.1.1']);
  expect(asked).toEqual(['a.test']);
  clock.now = 30_000;
  const later = resolve('a.test');
  await answer('a.test', ['34.1.1.2']);
  expect(await later).toEqual(['34.1.1.2']);
  expect(asked).toEqual(['a.test', 'a.test']);
});

test('a failure is remembered for a few seconds only', async () => {
  const { resolve, clock, asked, answer } = openResolver();
  const failed = resolve('a.test').catch((error: Error) => error.message);
  await answer('a.test', new Error('ENOTFOUND'));
  expect(await failed).toBe('ENOTFOUND');
  clock.now = 4_999;
  await expect(resolve('a.test')).rejects.toThrow('ENOTFOUND');
  expect(asked).toEqual(['a.test']);
  clock.now = 5_000;
  const later = resolve('a.test');
  await answer('a.test', ['34.1.1.1']);
  expect(await later).toEqual(['34.1.1.1']);
});

test('silent name servers hold two lookups; hosts that resolved before go past them, new ones wait', async () => {
  const { resolve, clock, asked, answer } = openResolver();
  const push = resolve('push.test');
  await answer('push.test', ['34.1.1.1']);
  await push;
  const silent = ['one', 'two', 'three', 'four'].map((name) => resolve(`${name}.test`).catch(() => 'failed'));
  const fresh = resolve('new.test');
  clock.now = 60_000;
  const pushAgain = resolve('push.test');
  expect(asked).toEqual(['push.test', 'one.test', 'two.test', 'push.test']);
  await answer('push.test', ['34.1.1.2']);
  expect(await pushAgain).toEqual(['34.1.1.2']);
  for (const name of ['one', 'two', 'three']) await answer(`${name}.test`, new Error('EAI_AGAIN'));
  await answer('new.test', ['34.1.1.3']);
  expect(await fresh).toEqual(['34.1.1.3']);
  await answer('four.test', new Error('EAI_AGAIN'));
  expect(await Promise.all(silent)).toEqual(['failed', 'failed', 'failed', 'failed']);
});

test('a host that has stopped resolving waits like a new one', async () => {
  const { resolve, clock, asked, answer } = openResolver();
  const good = resolve('a.test');
  await answer('a.test', ['34.1.1.1']);
  await good;
  clock.now = 30_000;
  const failed = resolve('a.test').catch(() => 'failed');
  await answer('a.test', new Error('EAI_AGAIN'));
  expect(await failed).toBe('failed');
  clock.now = 60_000;
  for (const name of ['one.test', 'two.test', 'a.test']) void resolve(name);
  expect(asked.slice(2)).toEqual(['one.test', 'two.test']);
});

import { expect, test } from 'vitest';
import { createAddressGuard } from './address-guard.ts';
import { guardedConnect } from './guarded-connect.ts';
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

test('hosts that resolved before are looked up four at a time, before those that wait', async () => {
  const { resolve, clock, asked, answer } = openResolver();
  const names = ['one', 'two', 'three', 'four', 'five'].map((name) => `${name}.test`);
  for (const name of names) {
    const known = resolve(name);
    await answer(name, ['34.1.1.1']);
    await known;
  }
  clock.now = 30_000;
  const again = names.slice(0, 4).map((name) => resolve(name));
  const fresh = resolve('new.test');
  const last = resolve('five.test');
  expect(asked.slice(5)).toEqual(names.slice(0, 4));
  for (const name of ['one.test', 'two.test', 'three.test', 'four.test', 'five.test', 'new.test']) {
    await answer(name, ['34.1.1.2']);
  }
  expect(await Promise.all([...again, fresh, last])).toEqual(Array.from({ length: 6 }, () => ['34.1.1.2']));
  expect(asked.slice(9)).toEqual(['five.test', 'new.test']);
});

test('a lookup that waits ends with its last asker', async () => {
  const { resolve, asked, answer } = openResolver();
  for (const name of ['one.test', 'two.test']) void resolve(name);
  const first = new AbortController();
  const second = new AbortController();
  const left = [resolve('left.test', first.signal), resolve('left.test', second.signal)];
  const kept = [resolve('kept.test', first.signal).catch(() => 'given up'), resolve('kept.test')];
  const outcome = Promise.allSettled(left);
  first.abort('late');
  second.abort('late');
  const gone = { status: 'rejected', reason: 'late' };
  expect(await outcome).toEqual([gone, gone]);
  await answer('one.test', ['34.1.1.1']);
  expect(asked).toEqual(['one.test', 'two.test', 'kept.test']);
  await answer('kept.test', ['34.1.1.2']);
  expect(await Promise.all(kept)).toEqual(['given up', ['34.1.1.2']]);
  // It is asked for anew, and whoever comes too late is not kept waiting.
  void resolve('left.test');
  expect(asked.at(-1)).toBe('left.test');
  await expect(resolve('other.test', first.signal)).rejects.toBe('late');
});

test('a lookup that has begun goes on without askers, and its outcome is kept', async () => {
  const { resolve, asked, answer } = openResolver();
  const asker = new AbortController();
  const given = resolve('a.test', asker.signal).catch((reason: unknown) => reason);
  asker.abort('late');
  expect(await given).toBe('late');
  const joined = resolve('a.test');
  await answer('a.test', ['34.1.1.1']);
  expect(await joined).toEqual(['34.1.1.1']);
  expect(await resolve('a.test')).toEqual(['34.1.1.1']);
  expect(asked).toEqual(['a.test']);
});

test('no more than 2048 host names wait, and those that are refused are not remembered', async () => {
  const { resolve, asked, answer } = openResolver();
  for (let i = 0; i < 2 + 2048; i += 1) void resolve(`h${i}.test`);
  await expect(resolve('a.test')).rejects.toThrow('too many host names');
  await answer('h0.test', ['34.1.1.1']);
  const again = resolve('a.test');
  expect(asked).toEqual(['h0.test', 'h1.test', 'h2.test']);
  for (let i = 1; i < 2 + 2048; i += 1) await answer(`h${i}.test`, ['34.1.1.1']);
  await answer('a.test', ['34.1.1.2']);
  expect(await again).toEqual(['34.1.1.2']);
});

test('connections that were given up hold up no other', async () => {
  const { resolve, asked, answer } = openResolver();
  const dial = (): never => {
    throw new Error('dialled');
  };
  const connect = (hostname: string, timeoutMs: number) =>
    guardedConnect(
      { network: { resolve, dial }, guard: createAddressGuard() },
      { hostname, port: 443, alpnProtocols: null, timeoutMs },
    );
  const attempts = await Promise.all(Array.from({ length: 40 }, (_, i) => connect(`h${i}.test`, 10)));
  expect(new Set(attempts.map((attempt) => attempt.kind === 'error' && attempt.reason))).toEqual(new Set(['timeout']));
  const push = connect('push.test', 10_000);
  await answer('h0.test', new Error('EAI_AGAIN'));
  expect(asked).toEqual(['h0.test', 'h1.test', 'push.test']);
  await answer('push.test', ['34.1.1.1']);
  expect(await push).toMatchObject({ address: '34.1.1.1', message: expect.stringContaining('dialled') });
});

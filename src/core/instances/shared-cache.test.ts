import { describe, expect, it } from 'vitest';
import { SharedCache } from './shared-cache.ts';

/** Loads whose answers the test gives, in the order asked. */
function controlledLoads() {
  const loads: PromiseWithResolvers<string | null>[] = [];
  const load = (): Promise<string | null> => {
    const pending = Promise.withResolvers<string | null>();
    loads.push(pending);
    return pending.promise;
  };
  return { loads, load };
}

const fail = (): Promise<string | null> => Promise.reject(new Error('asked again'));

describe('shared cache', () => {
  it('loads once for all who ask at the same time, and later', async () => {
    const cache = new SharedCache<string>(10);
    const { loads, load } = controlledLoads();
    const asked = [cache.get('a', load), cache.get('a', load)];
    loads[0]?.resolve('value');
    expect(await Promise.all(asked)).toEqual(['value', 'value']);
    expect(await cache.get('a', fail)).toBe('value');
    expect(loads).toHaveLength(1);
  });

  it('shows what is loaded without waiting, and nothing else', async () => {
    const cache = new SharedCache<string>(10);
    const { loads, load } = controlledLoads();
    expect(cache.peek('a')).toBeNull();
    const asked = cache.get('a', load);
    expect(cache.peek('a')).toBeNull();
    loads[0]?.resolve('value');
    await asked;
    expect(cache.peek('a')).toBe('value');
    cache.forget('a');
    expect(cache.peek('a')).toBeNull();
  });

  it('does not remember that there was nothing', async () => {
    const cache = new SharedCache<string>(10);
    expect(await cache.get('a', async () => null)).toBeNull();
    expect(await cache.get('a', async () => 'value')).toBe('value');
  });

  it('does not remember a failure', async () => {
    const cache = new SharedCache<string>(10);
    await expect(cache.get('a', fail)).rejects.toThrow('asked again');
    expect(await cache.get('a', async () => 'value')).toBe('value');
  });

  it('does not remember what a load read before the change', async () => {
    const cache = new SharedCache<string>(10);
    const { loads, load } = controlledLoads();
    const before = cache.get('a', load);
    cache.forget('a');
    const after = cache.get('a', load);
    loads[1]?.resolve('new');
    loads[0]?.resolve('old');
    expect([await before, await after]).toEqual(['old', 'new']);
    expect(await cache.get('a', fail)).toBe('new');
  });

  it('keeps a newer load when an older one of the same key comes to nothing', async () => {
    const cache = new SharedCache<string>(10);
    const { loads, load } = controlledLoads();
    const before = cache.get('a', load);
    cache.forget('a');
    const after = cache.get('a', load);
    loads[0]?.resolve(null);
    await before;
    loads[1]?.resolve('new');
    await after;
    expect(await cache.get('a', fail)).toBe('new');
  });

  it('drops what was not asked for longest', async () => {
    const cache = new SharedCache<string>(2);
    for (const key of ['a', 'b']) await cache.get(key, async () => key);
    cache.peek('a');
    await cache.get('c', async () => 'c');
    expect(await cache.get('a', fail)).toBe('a');
    expect(await cache.get('c', fail)).toBe('c');
    await expect(cache.get('b', fail)).rejects.toThrow('asked again');
  });
});

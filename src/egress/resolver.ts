/** IP literals of a host name; rejects when it does not resolve. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** The same, or what was answered a moment ago. Rejects with the signal's reason once its asker has given up. */
export type Resolve = (hostname: string, signal?: AbortSignal) => Promise<readonly string[]>;

/**
 * The operating system's lookups block a thread of libuv's pool for as long as a name server is silent, and libuv lets
 * lookups have half of its threads. Two resolvers fit into a pool of 16 (`config/widen-thread-pool.ts`).
 */
const maxLookups = 4;
/** Of them, for host names whose last lookup was not a success: some are left for the others. */
const maxUncertainLookups = 2;
/** Twice as many as webhooks are sent at a time. */
const maxWaiting = 2048;
const freshForMs = 30_000;
const failedForMs = 5_000;
const maxRemembered = 10_000;

interface Outcome {
  readonly result: readonly string[] | Error;
  readonly until: number;
}

interface SharedLookup {
  readonly hostname: string;
  readonly kind: 'certain' | 'uncertain';
  readonly askers: Set<PromiseWithResolvers<readonly string[]>>;
}

/**
 * Bounds what lookups cost: one at a time for a host name, its outcome kept for a moment, few at a time, and fewer for
 * host names whose last lookup was not a success. One that waits ends with its last asker; one that has begun goes on.
 * `now`: milliseconds that never go backwards.
 */
export function createResolver({
  lookup,
  now = () => performance.now(),
}: {
  readonly lookup: Lookup;
  readonly now?: () => number;
}): Resolve {
  /** In the order in which they were looked up. */
  const outcomes = new Map<string, Outcome>();
  /** By host name: those that have begun, and those that wait. */
  const unanswered = new Map<string, SharedLookup>();
  const waiting = { certain: new Set<SharedLookup>(), uncertain: new Set<SharedLookup>() };
  const running = { certain: 0, uncertain: 0 };

  const remember = (hostname: string, result: Outcome['result'], forMs: number): void => {
    outcomes.delete(hostname);
    outcomes.set(hostname, { result, until: now() + forMs });
    const [oldest] = outcomes.keys();
    if (outcomes.size > maxRemembered) outcomes.delete(oldest as string);
  };

  const run = async ({ hostname, kind, askers }: SharedLookup): Promise<void> => {
    running[kind] += 1;
    try {
      const addresses = await lookup(hostname);
      remember(hostname, addresses, freshForMs);
      for (const asker of askers) asker.resolve(addresses);
    } catch (error) {
      remember(hostname, error as Error, failedForMs);
      for (const asker of askers) asker.reject(error);
    }
    unanswered.delete(hostname);
    running[kind] -= 1;
    runNext();
  };

  const runNext = (): void => {
    while (running.certain + running.uncertain < maxLookups) {
      const [certain] = waiting.certain;
      const [uncertain] = running.uncertain < maxUncertainLookups ? waiting.uncertain : [];
      const next = certain ?? uncertain;
      if (!next) return;
      waiting[next.kind].delete(next);
      void run(next);
    }
  };

  const share = (hostname: string, kind: SharedLookup['kind']): SharedLookup => {
    if (waiting[kind].size >= maxWaiting) throw new Error('too many host names are being looked up');
    const shared: SharedLookup = { hostname, kind, askers: new Set() };
    unanswered.set(hostname, shared);
    waiting[kind].add(shared);
    return shared;
  };

  return async (hostname, signal) => {
    signal?.throwIfAborted();
    const known = outcomes.get(hostname);
    if (known && now() < known.until) {
      if (known.result instanceof Error) throw known.result;
      return known.result;
    }
    const isCertain = known !== undefined && !(known.result instanceof Error);
    const shared = unanswered.get(hostname) ?? share(hostname, isCertain ? 'certain' : 'uncertain');
    const asker = Promise.withResolvers<readonly string[]>();
    shared.askers.add(asker);
    const leave = (): void => {
      shared.askers.delete(asker);
      if (shared.askers.size === 0 && waiting[shared.kind].delete(shared)) unanswered.delete(hostname);
      asker.reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    runNext();
    return asker.promise.finally(() => signal?.removeEventListener('abort', leave));
  };
}

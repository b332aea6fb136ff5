/** IP literals of a host name; rejects when it does not resolve. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/**
 * The operating system's lookups block one of the (by default four) threads of libuv's pool, for as long as a name server
 * is silent. With two of them some are left for push services, whatever host names the webhooks have.
 */
const maxUncertainLookups = 2;
const freshForMs = 30_000;
const failedForMs = 5_000;
const maxRemembered = 10_000;

interface Outcome {
  readonly result: readonly string[] | Error;
  readonly until: number;
}

/**
 * Bounds what lookups cost: one at a time for a host name, its outcome kept for a moment, and few at a time for host
 * names whose last lookup was not a success. `now`: milliseconds that never go backwards.
 */
export function createResolver({
  lookup,
  now = () => performance.now(),
}: {
  readonly lookup: Lookup;
  readonly now?: () => number;
}): Lookup {
  /** In the order in which they were looked up. */
  const outcomes = new Map<string, Outcome>();
  const inFlight = new Map<string, Promise<readonly string[]>>();
  const waiting: (() => void)[] = [];
  let uncertainLookups = 0;

  const remember = (hostname: string, result: Outcome['result'], forMs: number): void => {
    outcomes.delete(hostname);
    outcomes.set(hostname, { result, until: now() + forMs });
    const [oldest] = outcomes.keys();
    if (outcomes.size > maxRemembered) outcomes.delete(oldest as string);
  };

  const lookUp = async (hostname: string): Promise<readonly string[]> => {
    try {
      const addresses = await lookup(hostname);
      remember(hostname, addresses, freshForMs);
      return addresses;
    } catch (error) {
      remember(hostname, error as Error, failedForMs);
      throw error;
    }
  };

  const lookUpUncertain = async (hostname: string): Promise<readonly string[]> => {
    if (uncertainLookups < maxUncertainLookups) uncertainLookups += 1;
    // Whoever ends before it hands its place over.
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await lookUp(hostname);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else uncertainLookups -= 1;
    }
  };

  return async (hostname) => {
    const known = outcomes.get(hostname);
    if (known && now() < known.until) {
      if (known.result instanceof Error) throw known.result;
      return known.result;
    }
    const isCertain = known !== undefined && !(known.result instanceof Error);
    const sharedLookup =
      inFlight.get(hostname) ??
      (isCertain ? lookUp(hostname) : lookUpUncertain(hostname)).finally(() => inFlight.delete(hostname));
    inFlight.set(hostname, sharedLookup);
    return sharedLookup;
  };
}

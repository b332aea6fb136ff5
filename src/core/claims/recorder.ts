import { whileUnavailable } from './while-unavailable.ts';

/** Records what was done. What a claim's work came to must not be lost, or it would be done again. */
export interface Recorder {
  /** Runs a call that records work, until the store takes it. Rejects like the call with any other error. */
  readonly record: <Value>(call: () => Promise<Value>) => Promise<Value>;
  /** Resolves when nothing waits for the store. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * However long the store is away, the leases that run out meanwhile do no harm: whoever claims waits until what was done
 * is recorded, and a completion counts for as long as nobody else has claimed. So what waits here is bounded by what was
 * in flight when the store went away.
 */
export function createRecorder(): Recorder {
  let waiting = 0;
  let { promise: none, resolve: release } = Promise.withResolvers<void>();
  release();
  const begin = (): void => {
    waiting += 1;
    if (waiting === 1) ({ promise: none, resolve: release } = Promise.withResolvers<void>());
  };
  const end = (): void => {
    waiting -= 1;
    if (waiting === 0) release();
  };
  const caughtUp = (): Promise<void> => (waiting === 0 ? Promise.resolve() : none.then(caughtUp));
  return {
    async record(call) {
      let waits = false;
      try {
        return await whileUnavailable(call, () => {
          if (!waits) begin();
          waits = true;
        });
      } finally {
        if (waits) end();
      }
    },
    caughtUp,
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../ports/command.ts';

const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** Well within every lease. */
const giveUpAfterMs = 10_000;

/**
 * Repeats a call that the store could not take: what was sent already would be sent again if its record were lost.
 * Rejects like the call when it is another error, or when the store stays away; then the lease runs out.
 */
export async function whileUnavailable<Value>(call: () => Promise<Value>): Promise<Value> {
  const giveUpAt = performance.now() + giveUpAfterMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() + pauseMs > giveUpAt) throw error;
    }
    // A process that has nothing else to do need not stay for it.
    await delay(pauseMs, undefined, { ref: false });
  }
}

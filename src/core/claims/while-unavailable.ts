import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../ports/command.ts';

const firstPauseMs = 50;
/** Shorter than what a claim loop waits after an error: the record of what was sent comes before the next claim. */
const longestPauseMs = 500;

/**
 * Repeats a call that the store could not take, however long: what was sent already would be sent again if its record were
 * lost. When the lease has run out meanwhile, a claim that comes first makes the record stale; `Recorder` keeps claims
 * back. Rejects like the call when it is another error.
 */
export async function whileUnavailable<Value>(
  call: () => Promise<Value>,
  onUnavailable: () => void = () => {},
): Promise<Value> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    onUnavailable();
    // A process that has nothing else to do need not stay for it.
    await delay(pauseMs, undefined, { ref: false });
  }
}

import { setTimeout as delay } from 'node:timers/promises';

type Missing = undefined | null | false;

/**
 * Asks `probe` until it answers with something, and returns that. Rejects after `timeoutMs` with `what` in the message;
 * only a test that fails waits so long.
 * An error that `probe` throws ends the wait at once.
 */
export async function waitFor<Found>(
  what: string,
  probe: () => Found | Missing | Promise<Found | Missing>,
  timeoutMs = 60_000,
): Promise<Found> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(15);
  }
}

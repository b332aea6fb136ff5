import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../core/ports/log.ts';

/** Longer than a push or an attempt of a webhook takes. */
const stopWithinMs = 20_000;

/** What has to end, in the opposite order of its beginning. */
export class Ending {
  readonly #log: Log;
  readonly #steps: { readonly name: string; readonly end: () => Promise<unknown> }[] = [];
  #ended: Promise<void> | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, end: () => Promise<unknown>): void {
    this.#steps.push({ name, end });
  }

  /** A step that fails or takes too long does not keep the others from ending. */
  run(): Promise<void> {
    this.#ended ??= this.#run();
    return this.#ended;
  }

  async #run(): Promise<void> {
    for (const { name, end } of this.#steps.toReversed()) {
      const timeout = new AbortController();
      const late = delay(stopWithinMs, 'late', { signal: timeout.signal }).catch(() => 'in time');
      try {
        const ended = await Promise.race([end(), late]);
        if (ended === 'late') this.#log.warn('server.stop-late', { step: name, afterMs: stopWithinMs });
      } catch (error) {
        this.#log.error('server.stop-failed', { step: name, error });
      }
      timeout.abort();
    }
  }
}

import type { Log } from '../ports/log.ts';

export interface ClaimLoopOptions<Item> {
  /** What is claimed, for the log: `range`, `delivery`, `message`. */
  readonly name: string;
  readonly log: Log;
  /** Leases up to `limit` due items. */
  readonly claim: (limit: number) => Promise<readonly Item[]>;
  /**
   * Works on a claimed item; true when it waits to be claimed again, now or later. When it rejects, the lease runs out
   * and the item is claimed again.
   */
  readonly run: (item: Item) => Promise<boolean>;
  /** Milliseconds until something falls due; null when nothing waits. */
  readonly nextDueMs: () => Promise<number | null>;
  /** Items worked on at a time. */
  readonly capacity: number;
}

/** However quiet it is, the store is asked this often: a wake-up may be lost with the process that owed it. */
const sweepMs = 30_000;
const retryAfterErrorMs = 1_000;

/** Claims due items and works on them, up to a number at a time, until stopped. */
export class ClaimLoop<Item> {
  readonly #options: ClaimLoopOptions<Item>;
  readonly #running = new Set<Promise<void>>();
  #stopped = false;
  /** The last claim got all it asked for, or there was no room for one: more may be due. */
  #moreDue = false;
  #woken = false;
  #wakeUp: (() => void) | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ClaimLoopOptions<Item>) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#work();
  }

  /** Something may have fallen due. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Claims no more and waits for what is running; callers bound the wait. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #work(): Promise<void> {
    // Claims of a few items cost as much as claims of many, so a busy loop waits until a quarter is free.
    const worthClaiming = Math.max(1, Math.floor(this.#options.capacity / 4));
    while (!this.#stopped) {
      this.#woken = false;
      const free = this.#options.capacity - this.#running.size;
      if (free < worthClaiming) {
        this.#moreDue = true;
        await this.#sleep(sweepMs);
        continue;
      }
      const waitMs = await this.#claimAndRun(free);
      if (waitMs > 0) await this.#sleep(waitMs);
    }
  }

  /** Answers how long to wait before the next claim. */
  async #claimAndRun(limit: number): Promise<number> {
    const { name, log, claim, nextDueMs } = this.#options;
    try {
      const items = await claim(limit);
      for (const item of items) this.#run(item);
      this.#moreDue = items.length === limit;
      if (this.#moreDue) return 0;
      return Math.min((await nextDueMs()) ?? sweepMs, sweepMs);
    } catch (error) {
      log.error(`${name}.claim-failed`, { error });
      return retryAfterErrorMs;
    }
  }

  #run(item: Item): void {
    const { name, log, run } = this.#options;
    const work = run(item)
      .catch((error: unknown) => {
        log.error(`${name}.failed`, { error });
        return true;
      })
      .then((waitsAgain) => {
        this.#running.delete(work);
        if (waitsAgain || this.#moreDue) this.wake();
      });
    this.#running.add(work);
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#woken || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = null;
  }
}

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
  /** Resolves when what was done is recorded: until then nothing is claimed. */
  readonly caughtUp?: () => Promise<void>;
  /** Milliseconds until something falls due; null when nothing waits. */
  readonly nextDueMs: () => Promise<number | null>;
  /** How much is worked on at a time: items, or what `sizeOf` says that they are. */
  readonly capacity: number;
  /** What an item counts; 1 when not given. */
  readonly sizeOf?: (item: Item) => number;
  /** Claims that found less than they asked for are at least so far apart: many small ones cost more than one. */
  readonly restMs?: number;
}

/** However quiet it is, the store is asked this often: a wake-up may be lost with the process that owed it. */
const sweepMs = 30_000;
const retryAfterErrorMs = 1_000;
/** What waits for its time is claimed together with what falls due this soon after it. */
const gatherMs = 20;
/** A store that is gone fails everything in hand: the log is told once, then how many there were. */
const logErrorsEveryMs = 1_000;

/** Claims due items and works on them, up to a number at a time, until stopped. */
export class ClaimLoop<Item> {
  readonly #options: ClaimLoopOptions<Item>;
  #running = 0;
  #runningSize = 0;
  #onIdle: (() => void) | null = null;
  #stopped = false;
  /** The last claim got all it asked for, or there was no room for one: more may be due. */
  #moreDue = false;
  #woken = false;
  #wakeUp: (() => void) | null = null;
  #endRest: (() => void) | null = null;
  #loop: Promise<void> = Promise.resolve();
  #errorLoggedAt = Number.NEGATIVE_INFINITY;
  #errorsNotLogged = 0;

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
    this.#endRest?.();
    this.wake();
    await this.#loop;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  async #work(): Promise<void> {
    // Claims of a few items cost as much as claims of many, so a busy loop waits until a quarter is free.
    const worthClaiming = Math.max(1, Math.floor(this.#options.capacity / 4));
    while (!this.#stopped) {
      this.#woken = false;
      const free = this.#options.capacity - this.#runningSize;
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
    const { name, log, claim, nextDueMs, sizeOf = () => 1, restMs = 0, caughtUp } = this.#options;
    try {
      await caughtUp?.();
      if (this.#stopped) return 0;
      const items = await claim(limit);
      let claimed = 0;
      for (const item of items) {
        claimed += sizeOf(item);
        void this.#run(item, sizeOf(item));
      }
      this.#moreDue = claimed >= limit;
      if (this.#moreDue) return 0;
      if (restMs > 0 && !this.#stopped) await this.#rest(restMs);
      // Then there is no waiting, for whatever time.
      if (this.#woken) return 0;
      return Math.min(Math.max((await nextDueMs()) ?? sweepMs, gatherMs), sweepMs);
    } catch (error) {
      log.error(`${name}.claim-failed`, { error });
      return retryAfterErrorMs;
    }
  }

  async #run(item: Item, size: number): Promise<void> {
    this.#running += 1;
    this.#runningSize += size;
    let waitsAgain = true;
    try {
      waitsAgain = await this.#options.run(item);
    } catch (error) {
      this.#logFailure(error);
    }
    this.#running -= 1;
    this.#runningSize -= size;
    if (waitsAgain || this.#moreDue) this.wake();
    if (this.#running === 0) this.#onIdle?.();
  }

  #logFailure(error: unknown): void {
    const { name, log } = this.#options;
    if (performance.now() - this.#errorLoggedAt < logErrorsEveryMs) {
      this.#errorsNotLogged += 1;
      return;
    }
    log.error(`${name}.failed`, { error, notLogged: this.#errorsNotLogged });
    this.#errorLoggedAt = performance.now();
    this.#errorsNotLogged = 0;
  }

  /** Wake-ups wait; only the end does not. */
  async #rest(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endRest = null;
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

import { setTimeout as delay } from 'node:timers/promises';
import { runOne } from '../ports/command.ts';
import type { Log } from '../ports/log.ts';
import type { ReplayCommands } from '../ports/replay-store.ts';
import type { Store } from '../ports/store.ts';

export interface ReplayLoopDeps {
  readonly store: Pick<ReplayCommands, 'stepReplays'> & Pick<Store, 'nextDue'>;
  readonly log: Log;
  /** Messages became due. */
  readonly onMessages: () => void;
}

/** Few enough that the commits of others hardly wait. */
const rowsAStep = 1_000;
/** Enough for the target to be busy until the next step; what happens now does not stand behind a million of then. */
const maxDue = 500;
const sweepMs = 30_000;
const retryAfterErrorMs = 1_000;

/** Takes the replays that run on, step by step, until stopped. */
export class ReplayLoop {
  readonly #deps: ReplayLoopDeps;
  #stopped = false;
  #woken = false;
  #pausing: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: ReplayLoopDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#work();
  }

  /** A replay was made. */
  wake(): void {
    this.#woken = true;
    this.#pausing?.abort();
  }

  /** Settles after the step in hand; the next process goes on behind it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#loop;
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      try {
        await this.#pause(await this.#step());
      } catch (error) {
        this.#deps.log.error('replay.failed', { error });
        await this.#pause(retryAfterErrorMs);
      }
    }
  }

  /** Answers how long to wait before the next one. */
  async #step(): Promise<number> {
    const { store, log, onMessages } = this.#deps;
    const startedAt = performance.now();
    const step = await runOne(store.stepReplays, { maxRows: rowsAStep, maxDue });
    if (step.kind === 'idle') return Math.min((await store.nextDue()).replays ?? sweepMs, sweepMs);
    if (step.resent > 0) onMessages();
    if (step.ended) log.info('replay.ended', { ...step.key });
    // Half of the time belongs to others.
    return performance.now() - startedAt;
  }

  /** Ends early when it is woken or has to stop. */
  async #pause(ms: number): Promise<void> {
    if (this.#woken) return;
    this.#pausing = new AbortController();
    await delay(ms, undefined, { signal: this.#pausing.signal }).catch(() => null);
    this.#pausing = null;
  }
}

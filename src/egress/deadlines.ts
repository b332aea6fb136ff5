/** What ends when its time is over. */
export interface Expiring {
  /** As `performance.now()` tells it. */
  readonly expiresAt: number;
  expire(): void;
}

/** Timers may come a little before their time. */
const earlyMs = 1;
/** Times that differ by less share a timer, and come so much late at most; those that are multiples of it are exact. */
const stepMs = 50;

const lineOf = (timeoutMs: number): number => Math.ceil(timeoutMs / stepMs) * stepMs;

/**
 * Deadlines of many requests, which hardly ever come: one timer for all that have about the same time, in place of one that
 * is made and cleared for each.
 */
export class Deadlines {
  /** By their time; in each of them who is added last expires last, or a step before others. */
  readonly #lines = new Map<number, Set<Expiring>>();

  /** `expiresAt` is `timeoutMs` from now. */
  add(item: Expiring, timeoutMs: number): void {
    const lineMs = lineOf(timeoutMs);
    const line = this.#lines.get(lineMs);
    if (line) return void line.add(item);
    this.#lines.set(lineMs, new Set([item]));
    this.#watch(lineMs, timeoutMs);
  }

  remove(item: Expiring, timeoutMs: number): void {
    this.#lines.get(lineOf(timeoutMs))?.delete(item);
  }

  /**
   * What is waited for keeps the process alive, not its deadline. Once the time has come, what arrived before is looked at
   * first: a process that stood still would give up all that was answered meanwhile, and send it again.
   */
  #watch(lineMs: number, nextMs: number): void {
    setTimeout(() => setImmediate(() => this.#look(lineMs)), nextMs).unref();
  }

  #look(lineMs: number): void {
    const line = this.#lines.get(lineMs);
    if (!line) return;
    for (const item of line) {
      const leftMs = item.expiresAt - performance.now();
      if (leftMs > earlyMs) return this.#watch(lineMs, Math.ceil(leftMs));
      line.delete(item);
      item.expire();
    }
    this.#lines.delete(lineMs);
  }
}

/** What ends when its time is over. */
export interface Expiring {
  /** As `performance.now()` tells it. */
  readonly expiresAt: number;
  expire(): void;
}

/** Timers may come a little before their time. */
const earlyMs = 1;

/**
 * Deadlines of many requests, which hardly ever come: one timer for all that have the same time, in place of one that is
 * made and cleared for each.
 */
export class Deadlines {
  /** By their time; in each of them who is added last expires last. */
  readonly #lines = new Map<number, Set<Expiring>>();

  /** `expiresAt` is `timeoutMs` from now. */
  add(item: Expiring, timeoutMs: number): void {
    const line = this.#lines.get(timeoutMs);
    if (line) return void line.add(item);
    this.#lines.set(timeoutMs, new Set([item]));
    this.#watch(timeoutMs, timeoutMs);
  }

  remove(item: Expiring, timeoutMs: number): void {
    this.#lines.get(timeoutMs)?.delete(item);
  }

  /** What is waited for keeps the process alive, not its deadline. */
  #watch(timeoutMs: number, nextMs: number): void {
    setTimeout(() => this.#look(timeoutMs), nextMs).unref();
  }

  #look(timeoutMs: number): void {
    const line = this.#lines.get(timeoutMs);
    if (!line) return;
    for (const item of line) {
      const leftMs = item.expiresAt - performance.now();
      if (leftMs > earlyMs) return this.#watch(timeoutMs, Math.ceil(leftMs));
      line.delete(item);
      item.expire();
    }
    this.#lines.delete(timeoutMs);
  }
}

export interface RateLimits {
  /** Sustained rate of each key. */
  readonly perSecond: number;
  /** What a key that was quiet may send at once. */
  readonly burst: number;
  /** Keys remembered; beyond it the one not seen for longest starts anew. */
  readonly maxKeys: number;
  /** Milliseconds that never go backwards. */
  readonly now?: () => number;
}

/** Bounds how often each key comes, with one number a key: when its allowance would be whole again (GCRA, ATM Forum TM 4.0). */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #maxKeys: number;
  readonly #now: () => number;
  /** In the order in which the keys were last let through. */
  readonly #wholeAt = new Map<string, number>();
  /** Let through last: often the next one too, and in its place already. */
  #newest: string | null = null;

  constructor({ perSecond, burst, maxKeys, now = () => performance.now() }: RateLimits) {
    this.#intervalMs = 1000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  /**
   * Null: `cost` was taken from the allowance, though it may have been less. Else nothing was, and it is worth trying again
   * after so many milliseconds.
   */
  take(key: string, cost = 1): number | null {
    const now = this.#now();
    const wholeAt = Math.max(this.#wholeAt.get(key) ?? now, now);
    const earlyMs = wholeAt - now - this.#toleranceMs;
    // Sums of fractions are not exact.
    if (earlyMs > 1e-6) return earlyMs;
    if (key !== this.#newest) this.#wholeAt.delete(key);
    this.#newest = key;
    this.#wholeAt.set(key, wholeAt + cost * this.#intervalMs);
    if (this.#wholeAt.size > this.#maxKeys) {
      const [oldest] = this.#wholeAt.keys();
      this.#wholeAt.delete(oldest as string);
    }
    return null;
  }
}

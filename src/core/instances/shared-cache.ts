/**
 * Remembers what loading gave, up to a number of entries; those not asked for longest go first. Who asks for the same
 * key meanwhile waits for the same load. Nulls and failures are not remembered.
 */
export class SharedCache<Value> {
  readonly #maxEntries: number;
  /** In the order in which they were last asked for. */
  readonly #entries = new Map<string, Promise<Value | null>>();
  /** Asked for last: often asked for again, and in its place already. */
  #newest: string | null = null;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get(key: string, load: () => Promise<Value | null>): Promise<Value | null> {
    const known = this.#entries.get(key);
    if (known && key === this.#newest) return known;
    this.#newest = key;
    const entry = known ?? load();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#maxEntries) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
    if (!known) {
      const drop = (): void => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      };
      entry.then((value) => value === null && drop(), drop);
    }
    return entry;
  }

  forgetAll(): void {
    this.#entries.clear();
  }

  /** A load under way still answers who waits for it, but is not remembered: it may have read the old value. */
  forget(key: string): void {
    this.#entries.delete(key);
  }
}

interface Entry<Value> {
  readonly loading: Promise<Value | null>;
  /** Null until it is loaded. */
  value: Value | null;
}

/**
 * Remembers what loading gave, up to a number of entries; those not asked for longest go first. Who asks for the same
 * key meanwhile waits for the same load. Nulls and failures are not remembered.
 */
export class SharedCache<Value> {
  readonly #maxEntries: number;
  /** In the order in which they were last asked for. */
  readonly #entries = new Map<string, Entry<Value>>();
  /** Asked for last: often asked for again, and in its place already. */
  #newest: string | null = null;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get(key: string, load: () => Promise<Value | null>): Promise<Value | null> {
    const known = this.#entries.get(key);
    if (known) {
      this.#keep(key, known);
      return known.loading;
    }
    const entry: Entry<Value> = { loading: load(), value: null };
    this.#keep(key, entry);
    const drop = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    entry.loading.then((value) => {
      entry.value = value;
      if (value === null) drop();
    }, drop);
    return entry.loading;
  }

  /** What `get` would give, if it is here already. */
  peek(key: string): Value | null {
    const known = this.#entries.get(key);
    if (!known) return null;
    this.#keep(key, known);
    return known.value;
  }

  #keep(key: string, entry: Entry<Value>): void {
    if (key === this.#newest && this.#entries.has(key)) return;
    this.#newest = key;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#maxEntries) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
  }

  forgetAll(): void {
    this.#entries.clear();
  }

  /** A load under way still answers who waits for it, but is not remembered: it may have read the old value. */
  forget(key: string): void {
    this.#entries.delete(key);
  }
}

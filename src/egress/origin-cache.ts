export interface OriginEntry {
  /** Something is in flight: not to be evicted. */
  busy(): boolean;
  close(): Promise<void>;
}

/** Connections by origin, the longest unused idle one evicted when there are too many. */
export class OriginCache<Entry extends OriginEntry> {
  readonly #entries = new Map<string, Entry>();
  readonly #maxOrigins: number;
  readonly #open: (origin: string) => Entry;
  /** Evicted ones on their way out. */
  readonly #closing = new Set<Promise<void>>();
  /** Asked for last, and in its place already. */
  #newest: string | null = null;

  constructor(maxOrigins: number, open: (origin: string) => Entry) {
    this.#maxOrigins = maxOrigins;
    this.#open = open;
  }

  /** Null when there are too many origins and all of them are busy. */
  get(origin: string): Entry | null {
    const known = this.#entries.get(origin);
    if (known) {
      if (origin === this.#newest) return known;
      this.#newest = origin;
      // A Map keeps the order of insertion: the first is the longest unused.
      this.#entries.delete(origin);
      this.#entries.set(origin, known);
      return known;
    }
    if (this.#entries.size >= this.#maxOrigins && !this.#evict()) return null;
    this.#newest = origin;
    const entry = this.#open(origin);
    this.#entries.set(origin, entry);
    return entry;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#closing, ...[...this.#entries.values()].map((entry) => entry.close())]);
    this.#entries.clear();
  }

  #evict(): boolean {
    for (const [origin, entry] of this.#entries) {
      if (entry.busy()) continue;
      this.#entries.delete(origin);
      const closed = entry.close().finally(() => this.#closing.delete(closed));
      this.#closing.add(closed);
      return true;
    }
    return false;
  }
}

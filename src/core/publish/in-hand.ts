/** Ranges that are worked on, counted by publish. */
export class InHand {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** `max`: a publish with so many of them is full. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Ids of the publishes that are. */
  full(): readonly string[] {
    return [...this.#counts].flatMap(([publishId, count]) => (count >= this.#max ? publishId : []));
  }

  /** Answers what `work` does; or true when the publish was full until now: there may be more of it. */
  async run(publishId: string, work: () => Promise<boolean>): Promise<boolean> {
    const begun = (this.#counts.get(publishId) ?? 0) + 1;
    this.#counts.set(publishId, begun);
    try {
      const waitsAgain = await work();
      return waitsAgain || this.full().includes(publishId);
    } finally {
      const left = (this.#counts.get(publishId) ?? 1) - 1;
      if (left > 0) this.#counts.set(publishId, left);
      else this.#counts.delete(publishId);
    }
  }
}

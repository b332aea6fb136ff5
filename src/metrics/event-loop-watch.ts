const everyMs = 100;

/** Tells how late a timer fires, in seconds, until stopped. Keeps no process alive. */
export class EventLoopWatch {
  readonly #onDelay: (seconds: number) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(onDelay: (seconds: number) => void) {
    this.#onDelay = onDelay;
  }

  start(): void {
    const startedAt = performance.now();
    this.#timer = setTimeout(() => {
      this.#onDelay(Math.max(0, performance.now() - startedAt - everyMs) / 1_000);
      this.start();
    }, everyMs).unref();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

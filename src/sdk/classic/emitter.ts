export type Listener = (detail: unknown) => unknown;

/** `on`, `off`, `once` of the classic API. */
export class Emitter {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #report: (run: () => unknown) => void;

  constructor(report: (run: () => unknown) => void) {
    this.#report = report;
  }

  on(event: string, listener: Listener): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }

  once(event: string, listener: Listener): void {
    const first: Listener = (detail) => {
      this.off(event, first);
      return listener(detail);
    };
    this.on(event, first);
  }

  emit(event: string, detail: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) this.#report(() => listener(detail));
  }
}

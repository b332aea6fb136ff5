/** How many requests to one origin are in flight at once; the others wait a little, then give way. */
export interface OriginWindow {
  /** No place is free and many wait already: not worth preparing a request. */
  full(): boolean;
  /** Resolves with true when there is a place, which `leave` gives back; with false when there was none in time. */
  enter(maxWaitMs: number): Promise<boolean>;
  leave(): void;
  idle(): boolean;
}

/** At most `places` in flight, and four times as many waiting. */
export function createOriginWindow(places: number): OriginWindow {
  let taken = 0;
  const waiting = new Set<(admitted: boolean) => void>();
  const full = (): boolean => taken >= places && waiting.size >= 4 * places;
  return {
    full,
    enter(maxWaitMs) {
      if (taken < places) {
        taken += 1;
        return Promise.resolve(true);
      }
      if (full()) return Promise.resolve(false);
      return new Promise((resolve) => {
        const settle = (admitted: boolean): void => {
          waiting.delete(settle);
          clearTimeout(timer);
          resolve(admitted);
        };
        const timer = setTimeout(settle, maxWaitMs, false);
        waiting.add(settle);
      });
    },
    leave() {
      const [next] = waiting;
      // The place goes over to the one that waited longest.
      if (next) next(true);
      else taken -= 1;
    },
    idle: () => taken === 0,
  };
}

/**
 * How many requests to one origin are in flight at once; the others wait a little, then give way. An origin that only
 * fails has its places taken away until one probe at a time is left; each answer gives one back.
 */
export interface OriginWindow {
  /** No place is free, and waiting for one is not worth it: not worth preparing a request. */
  full(): boolean;
  /** Resolves with true when there is a place, which `leave` gives back; with false when there was none in time. */
  enter(maxWaitMs: number): Promise<boolean>;
  /** `answered`: the service is there and takes pushes, whatever it thinks of this one. */
  leave(answered: boolean): void;
  busy(): boolean;
  /** Not busy, and there is nothing to remember. */
  idle(): boolean;
}

/** Failures without an answer between them that say that it is the service, not a connection or a device. */
const failuresThatTell = 10;
/** A full window that nothing was answered through for so long does not move: nobody waits for a place in it. */
const stalledAfterMs = 1_000;

/** At most `maxPlaces` in flight, and four times as many waiting. */
export function createOriginWindow(maxPlaces: number, now: () => number = () => performance.now()): OriginWindow {
  let places = maxPlaces;
  let taken = 0;
  let failuresInARow = 0;
  let movedAt = now();
  const waiting = new Set<(admitted: boolean) => void>();
  const full = (): boolean => taken >= places && (waiting.size >= 4 * maxPlaces || now() - movedAt >= stalledAfterMs);
  return {
    full,
    enter(maxWaitMs) {
      if (taken < places) {
        // After a pause, silence counts from here.
        if (taken === 0 && failuresInARow === 0) movedAt = now();
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
    leave(answered) {
      taken -= 1;
      if (answered) {
        movedAt = now();
        failuresInARow = 0;
        places = Math.min(maxPlaces, places + 1);
      } else {
        failuresInARow += 1;
        if (failuresInARow > failuresThatTell) places = Math.max(1, Math.floor(places / 2));
      }
      // Free places go to those that waited longest.
      for (const next of waiting) {
        if (taken >= places) break;
        taken += 1;
        next(true);
      }
    },
    busy: () => taken > 0,
    idle: () => taken === 0 && places === maxPlaces,
  };
}

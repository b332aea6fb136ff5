/**
 * How many deliveries may be under way and not recorded yet: little at first, more for what was recorded. So a process
 * that dies repeats what it had room for at first, and a tenth of what it got done, however soon after each start it dies.
 */
export interface RoomToSend {
  /** So many more could begin at once. */
  readonly has: (count: number) => boolean;
  /** Resolves when they may begin, in the order of the calls. Hold nothing meanwhile: others could wait for it. */
  readonly take: (count: number) => Promise<void>;
  /** They are recorded, or were never sent. */
  readonly giveBack: (count: number) => void;
}

export interface RoomOptions {
  readonly atFirst: number;
  readonly atMost: number;
  /** Whoever has waited so long begins all the same: its claim runs out some time. */
  readonly longestWaitMs: number;
}

const shareOfRecorded = 0.1;

export function createRoomToSend({ atFirst, atMost, longestWaitMs }: RoomOptions): RoomToSend {
  let limit = atFirst;
  let used = 0;
  const waiting: { readonly count: number; readonly begin: () => void }[] = [];
  const fits = (count: number): boolean => used === 0 || used + count <= limit;
  const has = (count: number): boolean => count === 0 || (waiting.length === 0 && fits(count));
  return {
    has,
    async take(count) {
      if (has(count)) {
        used += count;
        return;
      }
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const place = { count, begin };
      waiting.push(place);
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(place), 1);
        used += count;
        begin();
      }, longestWaitMs);
      await begun;
      clearTimeout(timer);
    },
    giveBack(count) {
      used -= count;
      limit = Math.min(limit + count * shareOfRecorded, atMost);
      for (let next = waiting[0]; next && fits(next.count); next = waiting[0]) {
        waiting.shift();
        used += next.count;
        next.begin();
      }
    },
  };
}

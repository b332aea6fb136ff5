/** Whatever stands for a target, with what tells it from others. */
interface Keyed {
  readonly key: string;
}

/** Requests that were claimed while all places of their targets were taken: each begins when one is free. */
export interface ClaimedAhead<Target extends Keyed> {
  /** True when it may begin, false when it is to be given back. */
  readonly turn: (target: Target) => Promise<boolean>;
  /** The first of a target may begin if there is a place, and none may go on waiting for a target that became ill. */
  readonly look: (target: Target) => void;
  /** Whoever waits is given back, also who comes later. */
  readonly close: () => void;
}

export interface ClaimedAheadOptions<Target extends Keyed> {
  /** Takes a place; false: there is none. */
  readonly begin: (target: Target) => boolean;
  readonly mayWait: (target: Target) => boolean;
  /** However well a target was: it may have stopped to answer. */
  readonly maxWaitMs: number;
}

interface Waiting<Target> {
  readonly target: Target;
  readonly since: number;
  readonly resolve: (mayBegin: boolean) => void;
}

export function createClaimedAhead<Target extends Keyed>({
  begin,
  mayWait,
  maxWaitMs,
}: ClaimedAheadOptions<Target>): ClaimedAhead<Target> {
  const queues = new Map<string, Waiting<Target>[]>();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const giveBack = (key: string): void => {
    const queue = queues.get(key) ?? [];
    queues.delete(key);
    for (const { resolve } of queue) resolve(false);
  };
  const look = ({ key }: Target): void => {
    const queue = queues.get(key);
    if (!queue) return;
    for (let first = queue[0]; first; first = queue[0]) {
      if (!begin(first.target)) return mayWait(first.target) ? undefined : giveBack(key);
      queue.shift();
      first.resolve(true);
    }
    queues.delete(key);
  };
  const watch = (): void => {
    if (queues.size > 0) timer ??= setTimeout(endLongWaits, maxWaitMs / 2);
  };
  const endLongWaits = (): void => {
    timer = null;
    const latest = performance.now() - maxWaitMs;
    for (const [key, [first]] of queues) {
      if (first && first.since <= latest) giveBack(key);
    }
    watch();
  };

  return {
    turn(target) {
      if (isClosed) return Promise.resolve(false);
      return new Promise((resolve) => {
        const { key } = target;
        const queue = queues.get(key) ?? [];
        queue.push({ target, since: performance.now(), resolve });
        queues.set(key, queue);
        look(target);
        watch();
      });
    },
    look,
    close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      for (const key of queues.keys()) giveBack(key);
    },
  };
}

import type { Command, ItemResult } from '../ports/command.ts';

export interface GatherOptions {
  /** Whether so many items need not wait for more. */
  readonly areEnough: (count: number) => boolean;
  readonly maxWaitMs: number;
}

interface Waiting<Item, Value> {
  readonly item: Item;
  readonly resolve: (result: ItemResult<Value>) => void;
  readonly reject: (error: unknown) => void;
}

/** A command whose callers come one by one: their items wait a little for each other and run together. */
export function gatherItems<Item, Value>(
  command: Command<Item, Value>,
  { areEnough, maxWaitMs }: GatherOptions,
): Command<Item, Value> {
  let waiting: Waiting<Item, Value>[] = [];
  let timer: NodeJS.Timeout | null = null;
  const run = async (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    const together = waiting;
    waiting = [];
    try {
      const results = await command(together.map(({ item }) => item));
      together.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result) resolve(result);
        else reject(new Error('a command answered with fewer results than items'));
      });
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  };
  const add = (item: Item): Promise<ItemResult<Value>> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (areEnough(waiting.length)) void run();
      else timer ??= setTimeout(() => void run(), maxWaitMs);
    });
  return (items) => Promise.all(items.map(add));
}

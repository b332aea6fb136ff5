import type { Command, ItemResult } from '../ports/command.ts';
import { whileUnavailable } from './while-unavailable.ts';

export interface GatherOptions {
  /** Whether so many items need not wait for more. */
  readonly areEnough: (count: number) => boolean;
  readonly maxWaitMs: number;
}

interface Waiting<Item, Value> {
  readonly item: Item;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs a command for items that come one by one: they wait a little for each other and run together, again and again
 * while the store cannot take them. Each is answered its value, or rejects with its own error.
 */
export function gatherItems<Item, Value>(
  command: Command<Item, Value>,
  { areEnough, maxWaitMs }: GatherOptions,
): (item: Item) => Promise<Value> {
  let waiting: Waiting<Item, Value>[] = [];
  let timer: NodeJS.Timeout | null = null;
  const run = async (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    const together = waiting;
    waiting = [];
    const items = together.map(({ item }) => item);
    try {
      const results = await whileUnavailable(() => command(items));
      for (const [index, one] of together.entries()) settle(one, results[index]);
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (areEnough(waiting.length)) void run();
      else timer ??= setTimeout(() => void run(), maxWaitMs);
    });
}

function settle<Item, Value>({ resolve, reject }: Waiting<Item, Value>, result: ItemResult<Value> | undefined): void {
  if (!result) reject(new Error('a command answered with fewer results than items'));
  else if (result.ok) resolve(result.value);
  else reject(result.error);
}

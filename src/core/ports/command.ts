/**
 * What every command of the store's ports has in common. A command takes a batch and answers an item at a time, in the
 * order given. It resolves only after the commit is on disk; many callers' commands share one commit.
 */

/** What became of one item: its value, or an error that only this item met (the items beside it are committed). */
export type ItemResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Error };

/**
 * Rejects with `StoreUnavailable` when nothing of the batch was written; or, with `mayBeDone`, when nobody can tell. So
 * whoever repeats a command must expect that it was carried out already.
 */
export type Command<Item, Value> = (items: readonly Item[]) => Promise<readonly ItemResult<Value>[]>;

/** The store cannot take the work now: its queue is full, its disk is full or it is gone. Wires answer 503. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** Nobody can tell whether the work was done: the database was lost during the commit. */
  readonly mayBeDone: boolean;

  constructor(
    message: string,
    { mayBeDone = false, ...options }: ErrorOptions & { readonly mayBeDone?: boolean } = {},
  ) {
    super(message, options);
    this.mayBeDone = mayBeDone;
  }
}

/** Runs a command for a single item; throws the error of that item. */
export async function runOne<Item, Value>(command: Command<Item, Value>, item: Item): Promise<Value> {
  const [result] = await command([item]);
  if (!result) throw new Error('a command answered with fewer results than items');
  if (!result.ok) throw result.error;
  return result.value;
}

import type { Command } from '../../core/ports/command.ts';
import type { Sql } from './database.ts';

/**
 * How a command is carried out, in a transaction that others share. What it throws is rolled back, for the item alone
 * when there are several. It may be run more than once for the same item: only the last run is committed.
 */
export type CommandHandler<Item, Value> =
  | { readonly kind: 'each'; readonly run: (sql: Sql, item: Item) => Promise<Value> }
  | { readonly kind: 'batch'; readonly run: (sql: Sql, items: readonly Item[]) => Promise<readonly Value[]> };

/** One item at a time. */
export const each = <Item, Value>(run: (sql: Sql, item: Item) => Promise<Value>): CommandHandler<Item, Value> => ({
  kind: 'each',
  run,
});

/** Many items in statements that take arrays; answers a value per item, in order. Items of a batch may be about the same row. */
export const batch = <Item, Value>(
  run: (sql: Sql, items: readonly Item[]) => Promise<readonly Value[]>,
): CommandHandler<Item, Value> => ({ kind: 'batch', run });

export type CommandHandlers<Commands> = {
  readonly [Name in keyof Commands]: Commands[Name] extends Command<infer Item, infer Value>
    ? CommandHandler<Item, Value>
    : never;
};

/** Queries, in a transaction of their own when they need several statements to see the same: `sql` is one then. */
export type QueryHandlers<Queries> = {
  readonly [Name in keyof Queries]: Queries[Name] extends (...args: infer Args) => Promise<infer Value>
    ? (sql: Sql, ...args: Args) => Promise<Value>
    : never;
};

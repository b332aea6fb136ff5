import type { Command } from '../../core/ports/command.ts';

/** Commands as the writer sees them: one item at a time; what throws is rolled back for this item alone. */
export type CommandHandlers<Commands> = {
  readonly [Name in keyof Commands]: Commands[Name] extends Command<infer Item, infer Value>
    ? (item: Item) => Value
    : never;
};

/** Queries as the reader sees them. */
export type QueryHandlers<Queries> = {
  readonly [Name in keyof Queries]: Queries[Name] extends (...args: infer Args) => Promise<infer Value>
    ? (...args: Args) => Value
    : never;
};

import type { Command } from './command.ts';

/** A small step of forgetting what an instance no longer needs. */
export interface DeleteExpired {
  readonly instanceId: string;
  /** Milliseconds since 1970. Whole days (UTC) that ended by then are deleted. */
  readonly before: number;
  /** Deletes about so many rows, one publish more at most. */
  readonly maxRows: number;
}

/** Whole days (UTC) that ended by then, of all instances. */
export interface DropExpiredDays {
  /** Milliseconds since 1970: that of every `DeleteExpired` that follows. */
  readonly before: number;
}

export interface RetentionCommands {
  /**
   * Where the store keeps days apart: deletes a part of all messages with their attempts, events or reports of a day at
   * once, whatever instance they are of, unless something of that day still waits. The rest is for `deleteExpired`.
   * `more`: there was one, and there may be another.
   */
  readonly dropExpiredDays: Command<DropExpiredDays, { readonly more: boolean }>;
  /**
   * Deletes finished messages with their attempts, events, reports, finished publishes, tombstones and users that nothing
   * refers to, in this order, and secret keys whose overlap is over. What still waits stays, and so does what it needs.
   * `more`: the step was full, take another one.
   */
  readonly deleteExpired: Command<DeleteExpired, { readonly deleted: number; readonly more: boolean }>;
}

import type { Command } from './command.ts';

/** A small step of forgetting what an instance no longer needs. */
export interface DeleteExpired {
  readonly instanceId: string;
  /** Milliseconds since 1970. Whole days (UTC) that ended by then are deleted. */
  readonly before: number;
  /** Deletes about so many rows, one publish more at most. */
  readonly maxRows: number;
}

export interface RetentionCommands {
  /**
   * Deletes finished messages with their attempts, events, reports, finished publishes, tombstones and users that nothing
   * refers to, in this order, and secret keys whose overlap is over. What still waits stays, and so does what it needs.
   * `more`: the step was full, take another one.
   */
  readonly deleteExpired: Command<DeleteExpired, { readonly deleted: number; readonly more: boolean }>;
}

import type { Commit } from '../../core/ports/metrics.ts';

/** What crosses the border between the main thread and the storage threads. */

/** `input`: a command's items or a query's arguments. */
export interface Call {
  readonly id: number;
  readonly name: string;
  readonly input: readonly unknown[];
}

export type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  /** The caller's error (a query that throws). */
  | { readonly kind: 'error'; readonly error: Error }
  /** Nothing was written. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface Reply {
  readonly id: number;
  readonly outcome: Outcome;
}

export type ToThread = readonly Call[] | 'close';
export type FromThread =
  | { readonly kind: 'opened' }
  /** `problem`: a sentence for who runs the server. */
  | { readonly kind: 'open-failed'; readonly error: Error; readonly problem: string | null }
  /** `commit`: the transaction that the replies are from; null for queries. */
  | { readonly kind: 'replies'; readonly replies: readonly Reply[]; readonly commit: Commit | null };

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

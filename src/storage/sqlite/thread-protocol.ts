import type { Commit } from '../../core/ports/metrics.ts';
import type { MasterKey } from '../../sealing/keyring.ts';

/** What crosses the border between the main thread and the storage threads. */

/** `input`: a command's items or a query's arguments. */
export interface Call {
  readonly id: number;
  readonly name: string;
  readonly input: readonly unknown[];
}

export type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  /** A command of which no item failed: their values, without an object around each. */
  | { readonly kind: 'all-done'; readonly values: readonly unknown[] }
  /** The caller's error (a query that throws). */
  | { readonly kind: 'error'; readonly error: Error }
  /** Nothing was written. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What the caller of a command or query is answered when it did not fail. */
export const doneValue = (outcome: Outcome & { readonly kind: 'done' | 'all-done' }): unknown =>
  outcome.kind === 'done' ? outcome.value : outcome.values.map((value) => ({ ok: true, value }));

export interface Reply {
  readonly id: number;
  readonly outcome: Outcome;
}

/**
 * Calls or replies on their way between threads. Copying an object costs time for each of its properties, and writing it
 * as JSON a fraction of that: so what there is a lot of under load travels as one text.
 */
export interface Sent<Cloned> {
  /** Rows; empty for none. */
  readonly json: string;
  readonly cloned: readonly Cloned[];
}

/** `newKey`: seals from here on. */
export type ToThread = (Sent<Call> & { readonly newKey?: MasterKey }) | 'close';
export type FromThread =
  | { readonly kind: 'opened' }
  /** `problem`: a sentence for who runs the server. */
  | { readonly kind: 'open-failed'; readonly error: Error; readonly problem: string | null }
  /** `commit`: the transaction that the replies are from; null for queries. */
  | { readonly kind: 'replies'; readonly replies: Sent<Reply>; readonly commit: Commit | null };

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

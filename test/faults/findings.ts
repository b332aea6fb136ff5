/** What a part of the ledger found. */
export interface Findings {
  /** What must never happen. */
  readonly problems: readonly string[];
  /** What a kill may cause, by ids. */
  readonly repeats: readonly string[];
}

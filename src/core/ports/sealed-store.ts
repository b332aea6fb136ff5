import type { Command } from './command.ts';
import type { Sealed } from './instance-store.ts';
import type { SealedPlace } from './sealer.ts';

/** A sealed value where it is stored. */
export interface SealedValue {
  readonly place: SealedPlace;
  readonly sealed: Sealed;
}

export interface SealedCommands {
  /** `changed`: the value is not `sealed` any more, byte for byte, or gone; nothing was written. */
  readonly reseal: Command<SealedValue & { readonly resealed: Sealed }, 'resealed' | 'changed'>;
}

export interface SealedQueries {
  /**
   * Reads some rows on from `cursor` (null: from the beginning) and answers the sealed values in them that do not begin
   * with these bytes, often none. `next` is null at the end. Rows written meanwhile come at the end.
   */
  listSealed(query: {
    readonly notBeginningWith: Uint8Array;
    readonly cursor: string | null;
  }): Promise<{ readonly values: readonly SealedValue[]; readonly next: string | null }>;
}

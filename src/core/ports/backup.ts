import type { Readable } from 'node:stream';

/** A copy of everything the store has committed, as it was at one moment. */
export interface Backup {
  readonly bytes: number;
  /** Whoever has the backup reads or destroys it; then nothing is left of it. */
  readonly stream: Readable;
}

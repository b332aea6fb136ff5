/**
 * What the writer remembers beside the database follows its transactions: what was changed in one that is rolled back is
 * changed back.
 */
export interface UndoLog {
  /** Something was changed; `undo` changes it back. */
  readonly note: (undo: () => void) => void;
  readonly mark: () => number;
  /** Rolled back to where the mark was taken. */
  readonly undoTo: (mark: number) => void;
  /** Committed. */
  readonly keep: () => void;
}

export function createUndoLog(): UndoLog {
  const undos: (() => void)[] = [];
  return {
    note: (undo) => void undos.push(undo),
    mark: () => undos.length,
    undoTo: (mark) => {
      while (undos.length > mark) undos.pop()?.();
    },
    keep: () => {
      undos.length = 0;
    },
  };
}

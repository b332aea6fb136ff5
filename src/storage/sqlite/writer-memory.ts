import type { MessageLeases } from './message-leases.ts';
import { createMessageLeases } from './message-leases.ts';
import type { UndoLog } from './undo-log.ts';
import { createUndoLog } from './undo-log.ts';

/** What the writer knows beside the database; it outlives the connection. */
export interface WriterMemory {
  readonly undoLog: UndoLog;
  readonly leases: MessageLeases;
}

export function createWriterMemory(): WriterMemory {
  const undoLog = createUndoLog();
  return { undoLog, leases: createMessageLeases(undoLog) };
}

import type { DatabaseSync } from 'node:sqlite';
import type { ItemResult } from '../../core/ports/command.ts';
import type { MessageHandlers } from './messages.ts';
import type { LiveLease } from './message-leases.ts';
import type { UndoLog } from './undo-log.ts';
import type { CommandHandlers } from './handlers.ts';
import type { StoreCommands } from '../../core/ports/store.ts';
import type { LazyConnection } from './lazy-connection.ts';
import type { Call, Outcome, Reply } from './thread-protocol.ts';
import { asError } from './thread-protocol.ts';
import { sizeLogAndCache } from './open-database.ts';
import { isUnavailable } from './unavailable.ts';

/** Everything that writes: the store's commands, the write that finds out whether writing works, and the first one. */
export type WriteHandlers = Omit<CommandHandlers<StoreCommands>, keyof MessageHandlers> &
  MessageHandlers & {
    /** Writes what was put off until here. */
    readonly endTransaction: () => void;
    readonly listLiveLeases: (item: null) => readonly LiveLease[];
    readonly checkWriting: (item: null) => null;
    readonly releaseAbandonedClaims: (item: null) => null;
  };

/**
 * Runs calls in one transaction. An item that throws is rolled back alone: everything is undone and run again with a
 * savepoint per item, which the many transactions where nothing throws need not pay for. When the database as a whole
 * fails, the transaction is rolled back and every call is answered `unavailable`.
 */
export function runCommands(
  connection: LazyConnection<WriteHandlers>,
  undoLog: UndoLog,
  calls: readonly Call[],
): Reply[] {
  try {
    const { db, handlers } = connection.get();
    const runAll = (runItems: (handler: Handler, items: readonly unknown[]) => Outcome): Reply[] =>
      calls.map(({ id, name, input }) => ({
        id,
        outcome: runItems(handlers[name as keyof WriteHandlers] as Handler, input),
      }));
    db.exec('BEGIN IMMEDIATE');
    let replies: Reply[];
    try {
      replies = runAll(runPlainly);
    } catch (thrown) {
      if (endsAll(db, thrown)) throw thrown;
      db.exec('ROLLBACK; BEGIN IMMEDIATE');
      undoLog.undoTo(0);
      replies = runAll((handler, items) => ({
        kind: 'done',
        value: items.map((item) => runItemAlone(db, undoLog, () => handler(item))),
      }));
    }
    handlers.endTransaction();
    db.exec('COMMIT');
    undoLog.keep();
    return replies;
  } catch (thrown) {
    undoLog.undoTo(0);
    connection.giveUp();
    const reason = asError(thrown).message;
    return calls.map(({ id }) => ({ id, outcome: { kind: 'unavailable', reason } }));
  }
}

/** To be called now and then: the database grows. */
export function sizeAgain(connection: LazyConnection<WriteHandlers>): void {
  try {
    sizeLogAndCache(connection.get().db);
  } catch {
    connection.giveUp();
  }
}

type Handler = (item: unknown) => unknown;

const runPlainly = (handler: Handler, items: readonly unknown[]): Outcome => ({
  kind: 'all-done',
  values: items.map((item) => handler(item)),
});

function runItemAlone(db: DatabaseSync, undoLog: UndoLog, run: () => unknown): ItemResult<unknown> {
  const mark = undoLog.mark();
  db.exec('SAVEPOINT item');
  try {
    const value = run();
    db.exec('RELEASE item');
    return { ok: true, value };
  } catch (thrown) {
    if (endsAll(db, thrown)) throw thrown;
    db.exec('ROLLBACK TO item; RELEASE item');
    undoLog.undoTo(mark);
    return { ok: false, error: asError(thrown) };
  }
}

/** Some errors end the whole transaction (https://www.sqlite.org/lang_transaction.html, "Response To Errors"). */
const endsAll = (db: DatabaseSync, thrown: unknown): boolean => isUnavailable(thrown) || !db.isTransaction;

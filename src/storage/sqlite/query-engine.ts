import type { StoreQueries } from '../../core/ports/store.ts';
import type { QueryHandlers } from './handlers.ts';
import type { KnowingLeases } from './lease-queries.ts';
import type { LazyConnection } from './lazy-connection.ts';
import type { DueTimes } from './due-times.ts';
import type { Call, Outcome, Reply } from './thread-protocol.ts';
import { asError } from './thread-protocol.ts';
import { isUnavailable } from './unavailable.ts';

export type ReadHandlers = KnowingLeases<QueryHandlers<StoreQueries>> & { readonly nextDue: () => DueTimes };

/** Runs a query in a transaction of its own: all its statements see the same commit. */
export function runQuery(connection: LazyConnection<ReadHandlers>, { id, name, input }: Call): Reply {
  try {
    const { db, handlers } = connection.get();
    const handler = handlers[name as keyof ReadHandlers] as (...args: readonly unknown[]) => unknown;
    db.exec('BEGIN');
    let outcome: Outcome;
    try {
      outcome = { kind: 'done', value: handler(...input) };
    } catch (thrown) {
      if (isUnavailable(thrown)) throw thrown;
      outcome = { kind: 'error', error: asError(thrown) };
    }
    db.exec('COMMIT');
    return { id, outcome };
  } catch (thrown) {
    connection.giveUp();
    return { id, outcome: { kind: 'unavailable', reason: asError(thrown).message } };
  }
}

import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.ts';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Commit } from '../../core/ports/metrics.ts';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import type { Sealer } from '../../core/ports/sealer.ts';
import type { Store, StoreCommands, StoreQueries } from '../../core/ports/store.ts';
import { againAfterConflicts } from './again-after-conflicts.ts';
import { createCommandHandlers } from './command-handlers.ts';
import { CommandLane } from './command-lane.ts';
import type { Sql } from './database.ts';
import { Database } from './database.ts';
import type { CommandHandler } from './handlers.ts';
import { each } from './handlers.ts';
import { migrate } from './migrate.ts';
import { readFeed } from './feed.ts';
import { createPartitionsAhead } from './partitions.ts';
import { createQueryHandlers } from './query-handlers.ts';
import { startUpkeep } from './upkeep.ts';
import { isForbidden, isUnavailable } from './unavailable.ts';
import { refuseUnfinishedCopy } from './unfinished-copy.ts';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`. The schema is created or migrated in it. */
  readonly url: string;
  /** Of what is sealed where it is written. */
  readonly sealer: Pick<Sealer, 'seal'>;
  /** Where what people look at is read; it may be a replica. `url` when not given. */
  readonly readUrl?: string;
  /** Connections that are open at a time, at most. */
  readonly maxConnections?: number;
  /** False behind a pooler that does not keep prepared statements. */
  readonly preparedStatements?: boolean;
  /** Items that may wait for their commit; beyond it commands reject with `StoreUnavailable`. */
  readonly maxPendingItems?: number;
  /** Time in the ids of what the store writes by itself: the one that all nodes agree on. */
  readonly clock?: Clock;
  /** Called after each transaction. */
  readonly onCommit?: (commit: Commit) => void;
}

/** Of a replica: enough for people. */
const maxReadConnections = 5;

/** What people look at, and nothing depends on. */
const queriesForPeople: readonly (keyof StoreQueries)[] = [
  ...([
    'listPublishes',
    'viewPublish',
    'listMessages',
    'findMessage',
    'listAttempts',
    'listBatch',
    'countAhead',
  ] as const),
  ...(['restsUntil', 'listReplays', 'findReplay', 'listIgnoredReports', 'measureLoad'] as const),
];

/**
 * Opens the store, creating or migrating the database. Any number of processes may do so.
 * Rejects with an `OperatorProblem` when the database cannot be opened or is one of a newer version.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const {
    url,
    sealer,
    readUrl,
    maxConnections = 20,
    preparedStatements = true,
    maxPendingItems = 10_000,
    clock,
    onCommit = () => {},
  } = options;
  const database = new Database({ url, maxConnections, preparedStatements, clock });
  const replica =
    readUrl === undefined
      ? null
      : new Database({ url: readUrl, maxConnections: maxReadConnections, preparedStatements });
  try {
    await migrate(database);
    await refuseUnfinishedCopy(database);
    await createPartitionsAhead(database, 'open');
  } catch (cause) {
    await Promise.all([database.close(), replica?.close()]);
    if (isForbidden(cause)) {
      const mend = 'let the role that PHAROS_DATABASE_URL names own its database (ALTER DATABASE … OWNER TO …)';
      throw new OperatorProblem(`the database refuses something (${(cause as Error).message}): ${mend}.`, { cause });
    }
    if (!isUnavailable(cause)) throw cause;
    const mend = 'see that it runs, and that PHAROS_DATABASE_URL names it';
    throw new OperatorProblem(`the database does not answer (${(cause as Error).message}): ${mend}.`, { cause });
  }
  const storeId = randomUUID();
  const stopUpkeep = startUpkeep(database);
  let pendingItems = 0;
  let closed = false;
  const laneOf = (handler: CommandHandler<never, unknown>): CommandLane =>
    new CommandLane({
      database,
      handler: handler as CommandHandler<unknown, unknown>,
      reserve(items) {
        if (closed || pendingItems + items > maxPendingItems) return false;
        pendingItems += items;
        return true;
      },
      release: (items) => void (pendingItems -= items),
      onCommit,
    });
  const commands = Object.entries(createCommandHandlers(storeId, sealer)).map(([name, handler]) => {
    const lane = laneOf(handler);
    return [name, (items: readonly unknown[]) => lane.call(items)];
  });
  const queries = Object.entries(createQueryHandlers(storeId)).map(([name, run]) => [
    name,
    async (...args: readonly never[]) => {
      const ask = (on: Database): Promise<unknown> =>
        query(on, (sql) => (run as (sql: Sql, ...args: readonly never[]) => Promise<unknown>)(sql, ...args));
      if (!replica || !queriesForPeople.includes(name as keyof StoreQueries)) return ask(database);
      // Who has just made something looks at it: a replica may not have it yet.
      return (await ask(replica)) ?? ask(database);
    },
  ]);
  const query = async <Value>(on: Database, run: (sql: Sql) => Promise<Value>): Promise<Value> => {
    if (closed) throw new StoreUnavailable('the store is closed');
    try {
      return await againAfterConflicts(() => on.transaction(run, 'REPEATABLE READ READ ONLY'));
    } catch (cause) {
      throw isUnavailable(cause) ? new StoreUnavailable((cause as Error).message, { cause }) : cause;
    }
  };
  const writeCheck = laneOf(each(checkWriting));
  return {
    ...(Object.fromEntries([...commands, ...queries]) as StoreCommands & StoreQueries & Pick<Store, 'nextDue'>),
    readFeed: (asked) => readFeed((work) => query(database, work), asked),
    async check() {
      const [result] = await writeCheck.call([null]);
      if (!result?.ok) throw new StoreUnavailable('the write check failed', { cause: result?.error });
    },
    async close() {
      if (closed) return;
      closed = true;
      await stopUpkeep();
      await Promise.all([database.close(), replica?.close()]);
    },
  };
}

const checkWriting = async (sql: Sql): Promise<null> => {
  await sql.run(
    `INSERT INTO write_check (number, checks) VALUES (1, 1)
     ON CONFLICT (number) DO UPDATE SET checks = write_check.checks + 1`,
  );
  return null;
};

import { randomUUID } from 'node:crypto';
import type { ServerSettings } from '../config/server-settings.ts';
import { settingTable } from '../config/settings.ts';
import type { Backup } from '../core/ports/backup.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Cluster } from '../core/ports/cluster.ts';
import { aloneCluster } from '../core/ports/cluster.ts';
import type { Log } from '../core/ports/log.ts';
import type { Commit } from '../core/ports/metrics.ts';
import { OperatorProblem } from '../core/ports/operator-problem.ts';
import type { Store } from '../core/ports/store.ts';
import type { KeyringSealer } from '../sealing/sealer.ts';
import { roles } from '../protocol/roles.ts';

export interface Storage {
  readonly store: Store;
  readonly cluster: Cluster;
  /** Null: the database has means of its own. */
  readonly backUp: (() => Promise<Backup>) | null;
  close(): Promise<void>;
}

export interface OpenStorage {
  readonly settings: ServerSettings;
  /** Of SQLite. */
  readonly databaseFile: string;
  readonly sealer: KeyringSealer;
  readonly log: Log;
  readonly onCommit: (commit: Commit) => void;
}

/** The database that the settings name, and the nodes that share it. Rejects with an `OperatorProblem`. */
export async function openStorage({ settings, databaseFile, sealer, log, onCommit }: OpenStorage): Promise<Storage> {
  const { databaseUrl: url } = settings;
  if (url === null) {
    const missing = roles.filter((role) => !settings.roles.includes(role));
    if (missing.length > 0) {
      const mend = `leave ${settingTable.roles.name} out, or set ${settingTable.databaseUrl.name}`;
      const problem = `without ${missing.join(' and ')} this node needs others on the same database: ${mend}.`;
      throw new OperatorProblem(problem, { isWrongSetting: true });
    }
    // Loaded here, as below, so that a start need not wait for the other one.
    const { backUp } = await import('../storage/sqlite/back-up.ts');
    const { openSqliteStore } = await import('../storage/sqlite/open-sqlite-store.ts');
    const store = await openSqliteStore({ file: databaseFile, sealer, onCommit });
    return {
      store,
      cluster: aloneCluster,
      backUp: () => backUp(databaseFile, settings.dataDir),
      close: () => store.close(),
    };
  }
  const { databaseReadUrl: readUrl, databasePreparedStatements: preparedStatements } = settings;
  const { joinPostgresCluster } = await import('../storage/postgres/join-cluster.ts');
  const { openPostgresStore } = await import('../storage/postgres/open-postgres-store.ts');
  // This machine's, until the node has asked for the database's.
  let clock: Clock = Date.now;
  const store = await openPostgresStore({
    url,
    sealer,
    clock: () => clock(),
    ...(readUrl !== null && { readUrl }),
    maxConnections: settings.databaseConnections,
    preparedStatements,
    onCommit,
  });
  try {
    const cluster = await joinPostgresCluster({
      url,
      listenUrl: settings.databaseListenUrl ?? url,
      preparedStatements,
      node: { id: randomUUID(), roles: settings.roles },
      masterKeys: () => sealer.keys(),
      log,
    });
    clock = cluster.now;
    return {
      store,
      cluster,
      backUp: null,
      async close() {
        await cluster.leave();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

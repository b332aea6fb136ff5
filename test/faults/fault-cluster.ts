import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { FrozenWire } from '../support/frozen-wire.ts';
import { startFrozenWire } from '../support/frozen-wire.ts';
import type { Launch, PharosProcess } from '../support/pharos-process.ts';
import { startPharosProcess } from '../support/pharos-process.ts';
import type { PostgresCluster } from '../support/postgres-cluster.ts';
import { startPostgres } from '../support/postgres-cluster.ts';
import type { FaultServer } from './fault-server.ts';
import { startFaultWorld } from './fault-server.ts';

/** Nodes that share a PostgreSQL, each over a wire of its own, and the world around them. */
export interface FaultCluster {
  readonly postgres: PostgresCluster;
  readonly nodes: readonly ClusterNode[];
  /** What customers and ledgers see: requests go to one node after the other. */
  readonly server: Pick<FaultServer, 'pushService' | 'targets' | 'restarts'> & {
    readonly clockErrorMs: number;
    readonly pharos: Pick<PharosProcess, 'origin' | 'admin' | 'dataDir' | 'databaseUrl'>;
  };
  /** What was in flight until now may be repeated: something has happened to those who did it. */
  noteDisturbance(): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterNode {
  readonly pharos: PharosProcess;
  readonly wire: FrozenWire;
}

interface FaultClusterOptions {
  readonly nodes: number;
  /** By default one of its own. */
  readonly postgres?: PostgresCluster;
  /** Where node number n (from 0) reaches PostgreSQL; by default over a wire that can freeze. */
  readonly databaseHost?: (node: number) => string;
  /** How the last node is started. */
  readonly lastNode?: Launch;
}

/** A node whose clock is off knows the database's time to within half of what its question took, a second at most. */
const clockErrorMs = 500;
/** What a dead process had sent has arrived by then. */
const arrivedAfterMs = 250;

export async function startFaultCluster(seed: number, options: FaultClusterOptions): Promise<FaultCluster> {
  const world = await startFaultWorld(seed);
  const postgres = options.postgres ?? (await startPostgres());
  const folder = mkdtempSync(join(tmpdir(), 'pharos-cluster-'));
  const nodes: ClusterNode[] = [];
  for (let number = 1; number <= options.nodes; number++) {
    const wire = await startFrozenWire(postgres.port);
    const url = new URL(postgres.url);
    if (options.databaseHost) url.hostname = options.databaseHost(number - 1);
    else url.port = String(wire.port);
    const pharos = await startPharosProcess({
      ...world.launch,
      settings: {
        ...world.launch.settings,
        PHAROS_DATABASE_URL: url.href,
        PHAROS_MASTER_KEYS_FILE: join(folder, 'master-keys.json'),
        PHAROS_ADMIN_TOKEN_FILE: join(folder, 'admin-token'),
      },
      ...(number === options.nodes && options.lastNode && { everyLaunch: options.lastNode }),
    });
    nodes.push({ pharos, wire });
  }
  const [first] = nodes;
  if (!first) throw new Error('a cluster has a node');
  let turn = 0;
  const restarts: number[] = [];
  return {
    postgres,
    nodes,
    server: {
      pushService: world.pushService,
      targets: world.targets,
      restarts,
      clockErrorMs,
      pharos: {
        get origin() {
          return nodes[(turn += 1) % nodes.length]?.pharos.origin ?? '';
        },
        admin: first.pharos.admin,
        dataDir: first.pharos.dataDir,
        databaseUrl: postgres.socketUrl,
      },
    },
    async noteDisturbance() {
      await delay(arrivedAfterMs);
      restarts.push(Date.now());
    },
    async close() {
      await Promise.all(nodes.map(({ pharos }) => pharos.remove()));
      await Promise.all(nodes.map(({ wire }) => wire.close()));
      await Promise.all(world.fronts.map((front) => front.close()));
      await postgres.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ends all connections of nodes at the database. */
export async function terminateConnections(postgres: PostgresCluster): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pharos%' AND pid <> pg_backend_pid()`,
    );
  } finally {
    await client.end();
  }
}

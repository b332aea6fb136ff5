import type { Cluster, Hint } from '../../core/ports/cluster.ts';
import { StoreUnavailable } from '../../core/ports/command.ts';
import type { Log } from '../../core/ports/log.ts';
import { OperatorProblem } from '../../core/ports/operator-problem.ts';
import { Database } from './database.ts';
import { HintChannel } from './hint-channel.ts';
import type { KnownNode, NodeRecord } from './node-registry.ts';
import { leaveNodes, lockNodes, meetNodes, nodeLifeMs, takeLead } from './node-registry.ts';
import { isUnavailable } from './unavailable.ts';
import { listUnsafeSettings } from './unsafe-settings.ts';

export interface PostgresClusterOptions {
  readonly url: string;
  /** Where to listen: `url`, unless that is a pooler. */
  readonly listenUrl: string;
  readonly preparedStatements: boolean;
  /** Id and roles of this node. */
  readonly node: Pick<NodeRecord, 'id' | 'roles'>;
  /** Ids of the master keys that this node knows now; it seals with the first. */
  readonly masterKeys: () => readonly string[];
  readonly log: Log;
}

export interface PostgresCluster extends Cluster {
  leave(): Promise<void>;
}

type Heard = Hint | { readonly kind: 'anything' };

/** Clocks that are no further apart agree. */
const agreementMs = 5_000;
/** The database's time is half of this old, at most, when it comes. */
const maxRoundTripMs = 1_000;
/** One says something, one asks who leads. */
const maxConnections = 2;

/**
 * Says to the other nodes that this one is there, and hears them. The schema exists: the store was opened before.
 * Rejects with an `OperatorProblem` when they have other master keys.
 */
export async function joinPostgresCluster(options: PostgresClusterOptions): Promise<PostgresCluster> {
  const { url, listenUrl, preparedStatements, node, masterKeys, log } = options;
  const database = new Database({ url, maxConnections, preparedStatements });
  const listeners: ((hint: Heard) => void)[] = [];
  const hear = (hint: Heard): void => listeners.forEach((listener) => listener(hint));
  const channel = new HintChannel({
    database,
    listenUrl,
    nodeId: node.id,
    onHint: hear,
    onGap: () => hear({ kind: 'anything' }),
  });
  let nodes: readonly KnownNode[] = [];
  let offMs = 0;
  const meet = async (): Promise<void> => {
    const self = { ...node, masterKeys: masterKeys() };
    const isFirst = nodes.length === 0;
    const askedAt = Date.now();
    const met = await asking(() =>
      // One joins after the other, so that the later one sees the earlier one.
      isFirst
        ? database.transaction((sql) => lockNodes(sql).then(() => meetNodes(sql, self)))
        : meetNodes(database.sql, self),
    );
    ({ nodes } = met);
    const tookMs = Date.now() - askedAt;
    // What an answer that was long on its way says of the time is known already.
    if (tookMs > maxRoundTripMs && !isFirst) return;
    const aheadMs = Math.round(askedAt + tookMs / 2 - met.now);
    const wasOff = offMs !== 0;
    offMs = Math.abs(aheadMs) < agreementMs ? 0 : aheadMs;
    if (offMs !== 0 && !wasOff) log.warn('cluster.clock-off', { aheadMs, mend: 'let this machine keep time, by NTP' });
  };
  try {
    await meet();
    assertSameKeys(node.id, nodes);
    await channel.start();
    for (const setting of await listUnsafeSettings(database.sql)) {
      log.warn('database.unsafe', { setting, mend: `set ${setting} = on in postgresql.conf` });
    }
  } catch (error) {
    await leaveNodes(database.sql, node.id).catch(() => {});
    await database.close();
    throw error;
  }
  let meeting: Promise<void> | null = null;
  const heartbeat = setInterval(() => {
    // While the database does not answer they must not pile up.
    meeting ??= meet()
      .catch((error: unknown) => log.warn('cluster.not-told', { error }))
      .finally(() => (meeting = null));
  }, nodeLifeMs / 3);
  const leave = async (): Promise<void> => {
    clearInterval(heartbeat);
    await meeting;
    await channel.stop();
    // A database that is gone finds out by itself.
    await leaveNodes(database.sql, node.id).catch(() => {});
    await database.close();
  };
  let leaving: Promise<void> | null = null;
  return {
    alone: false,
    now: () => Date.now() - offMs,
    tell: (hint) => channel.tell(hint),
    onHint: (listener) => void listeners.push(listener),
    leads: (task) => asking(() => takeLead(database.sql, task, node.id)),
    nodesWith: (role) => Math.max(1, nodes.filter(({ roles }) => roles.includes(role)).length),
    async everyNode(does, keyId) {
      await meet();
      return nodes.every(({ masterKeys: [first, ...others] }) =>
        does === 'seals-with' ? first === keyId : first === keyId || others.includes(keyId),
      );
    },
    leave: () => (leaving ??= leave()),
  };
}

async function asking<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (cause) {
    throw isUnavailable(cause) ? new StoreUnavailable((cause as Error).message, { cause }) : cause;
  }
}

/** Of two nodes that start together, with keys of their own, the later one gives way. */
function assertSameKeys(nodeId: string, nodes: readonly KnownNode[]): void {
  const own = nodes.find(({ id }) => id === nodeId);
  if (!own) return;
  const came = ({ startedAt, id }: KnownNode): string => `${startedAt} ${id}`;
  const earlier = nodes.filter((node) => came(node) < came(own));
  if (earlier.every(({ masterKeys }) => masterKeys.some((key) => own.masterKeys.includes(key)))) return;
  throw new OperatorProblem(
    'another node of this database has other master keys: give this one the same keyring file (PHAROS_MASTER_KEYS_FILE).',
  );
}

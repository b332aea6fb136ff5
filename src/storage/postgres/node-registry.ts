import type { SharedTask } from '../../core/ports/cluster.ts';
import type { Role } from '../../protocol/roles.ts';
import type { Sql } from './database.ts';

export interface NodeRecord {
  readonly id: string;
  readonly roles: readonly Role[];
  /** Ids of the master keys that the node knows; it seals with the first. */
  readonly masterKeys: readonly string[];
}

/** A node as the others see it. */
export interface KnownNode extends NodeRecord {
  readonly startedAt: number;
}

/** A node that was not seen for so long is gone; each says that it is there several times within it. */
export const nodeLifeMs = 15_000;
const leadershipMs = 60_000;
const forgottenAfterMs = 24 * 60 * 60_000;

/** Until the end of the transaction nobody else joins. */
export const lockNodes = (sql: Sql): Promise<void> => sql.script('LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE');

/** Says that the node is there; answers which are, and the time of the database. */
export async function meetNodes(
  sql: Sql,
  node: NodeRecord,
): Promise<{ readonly nodes: readonly KnownNode[]; readonly now: number }> {
  await sql.run(
    `INSERT INTO nodes (id, roles, master_keys, started_at, seen_at) VALUES ($1, $2, $3, pharos_now(), pharos_now())
     ON CONFLICT (id) DO UPDATE SET master_keys = excluded.master_keys, seen_at = excluded.seen_at`,
    [node.id, node.roles, node.masterKeys],
  );
  await sql.run('DELETE FROM nodes WHERE seen_at < pharos_now() - $1', [forgottenAfterMs]);
  const rows = await sql.all<KnownNode & { readonly now: number }>(
    'SELECT id, roles, master_keys AS "masterKeys", started_at AS "startedAt", pharos_now() AS now FROM nodes WHERE seen_at > pharos_now() - $1',
    [nodeLifeMs],
  );
  // This node is one of them.
  return { nodes: rows, now: rows[0]?.now ?? Date.now() };
}

/** What the node led is free at once. */
export async function leaveNodes(sql: Sql, nodeId: string): Promise<void> {
  await sql.run('DELETE FROM leaderships WHERE node_id = $1', [nodeId]);
  await sql.run('DELETE FROM nodes WHERE id = $1', [nodeId]);
}

/**
 * A row with an end, no lock of a session: behind a pooler, sessions belong to nobody. What a node that is gone led is free
 * sooner: nobody waits a minute for what a restart could go on with.
 */
export async function takeLead(sql: Sql, task: SharedTask, nodeId: string): Promise<boolean> {
  const taken = await sql.run(
    `INSERT INTO leaderships (task, node_id, until) VALUES ($1, $2, pharos_now() + $3)
     ON CONFLICT (task) DO UPDATE SET node_id = excluded.node_id, until = excluded.until
     WHERE leaderships.node_id = excluded.node_id OR leaderships.until <= pharos_now()
       OR NOT EXISTS (SELECT FROM nodes n WHERE n.id = leaderships.node_id AND n.seen_at > pharos_now() - $4)`,
    [task, nodeId, leadershipMs, nodeLifeMs],
  );
  return taken === 1;
}

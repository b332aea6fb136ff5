import type {
  ClaimedMessage,
  ClaimMessages,
  MessageCommands,
  MessageQueries,
  MessageTarget,
  TargetRoom,
} from '../../core/ports/message-store.ts';
import { requestSize, webhookIdOf } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { AboutRow, MessageRow } from '../rows/message-row.ts';
import { aboutColumns, aboutJoins, toAbout, toMessage } from '../rows/message-row.ts';
import { leastUuid } from '../rows/uuid-bounds.ts';
import type { Sql } from './database.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';
import { claimBatch } from './message-batches.ts';
import { messageColumns } from './message-columns.ts';
import { endWaiting } from './message-drops.ts';

/** What one request will send. */
interface Request {
  readonly instanceId: string;
  readonly messageIds: readonly string[];
  readonly claimToken: string;
  readonly batchId: string | null;
}

// Each target's rows are found by its own walk along the index, past those that other nodes are claiming just now.
const claimDue = `
  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.message_id, d.due_at, w.place
    FROM unnest($1::uuid[], $2::text[], $3::bigint[]) WITH ORDINALITY AS w (instance_id, target, room, place)
      CROSS JOIN LATERAL (
        SELECT q.instance_id, q.message_id, q.due_at FROM message_queue q
        WHERE q.instance_id = w.instance_id AND q.target = w.target AND q.due_at <= pharos_now()
        ORDER BY q.due_at, q.message_id LIMIT w.room FOR UPDATE SKIP LOCKED
      ) d
  ), claimed AS (
    UPDATE message_queue q
    SET claim_token = gen_random_uuid(), due_at = pharos_now() + $4
    FROM due WHERE q.instance_id = due.instance_id AND q.message_id = due.message_id
    RETURNING due.place, due.due_at, q.instance_id, q.message_id, q.claim_token
  )
  SELECT place, instance_id, message_id, claim_token FROM claimed ORDER BY place, due_at, message_id`;

interface DueRow {
  place: number;
  instance_id: string;
  message_id: string;
  claim_token: string;
}

/** Requests of one message each, by target. */
async function claimSingles(
  sql: Sql,
  targets: readonly TargetRoom[],
  limit: number,
  leaseMs: number,
): Promise<readonly (readonly Request[])[]> {
  const rows = await sql.all<DueRow>(claimDue, [
    targets.map(({ instanceId }) => instanceId),
    targets.map(({ target }) => target),
    targets.map(({ room }) => Math.min(room, limit)),
    leaseMs,
  ]);
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  return targets.map((_, index) =>
    (byPlace.get(index + 1) ?? []).map((row) => ({
      instanceId: row.instance_id,
      messageIds: [row.message_id],
      claimToken: row.claim_token,
      batchId: null,
    })),
  );
}

async function claimBatches(
  sql: Sql,
  { instanceId, target: webhookId, batch, room }: TargetRoom & { readonly batch: NonNullable<TargetRoom['batch']> },
  limit: number,
  leaseMs: number,
): Promise<readonly Request[]> {
  const requests: Request[] = [];
  for (let size = 0; requests.length < room && size < limit;) {
    const claimed = await claimBatch(sql, { instanceId, webhookId, batch, leaseMs });
    if (!claimed) break;
    size += requestSize(claimed.messageIds.length);
    requests.push({ instanceId, ...claimed });
  }
  return requests;
}

/** Stands for all stores. */
const allStores = leastUuid;

// A rest that ended is kept: a target that had its share comes behind those that waited for longer. One that has room
// left has nothing to wait for. A target that never rested has no row, and is given none.
const setRests = `
  INSERT INTO message_rests (instance_id, target, store_id, until)
  SELECT t.instance_id, t.target, s.store_id, coalesce(pharos_now() + s.rest, 0)
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) AS t (instance_id, target, from_all, from_this)
    CROSS JOIN LATERAL (VALUES ('${allStores}'::uuid, t.from_all), ($5::uuid, t.from_this)) AS s (store_id, rest)
    LEFT JOIN message_rests r ON r.instance_id = t.instance_id AND r.target = t.target AND r.store_id = s.store_id
  WHERE s.rest IS NOT NULL OR (t.from_this IS NULL AND r.until > 0)
  ORDER BY t.instance_id, t.target, s.store_id
  ON CONFLICT (instance_id, target, store_id) DO UPDATE SET until = excluded.until`;

interface Rest extends MessageTarget {
  /** Null: none. */
  readonly restMs: number | null;
  readonly fromAll: boolean;
}

async function claim(
  sql: Sql,
  storeId: string,
  { limit, leaseMs, targets }: ClaimMessages,
): Promise<readonly ClaimedMessage[]> {
  const requests: Request[] = [];
  const rests: Rest[] = [];
  let left = limit;
  // The others keep their turns.
  for (let index = 0; index < targets.length && left > 0;) {
    const served = nextServed(targets.slice(index), left);
    index += served.length;
    const [first] = served;
    const claimed = isBatching(first)
      ? [await claimBatches(sql, first, left, leaseMs)]
      : await claimSingles(sql, served, left, leaseMs);
    for (const { messageIds } of claimed.flat()) left -= requestSize(messageIds.length);
    for (const [place, { instanceId, target, room, restMs, restsFromAll = false }] of served.entries()) {
      const isFull = claimed[place]?.length === room;
      const fromAll = isFull && restsFromAll;
      // Behind all others that wait, when the limit was too low for it.
      rests.push({ instanceId, target, fromAll, restMs: isFull ? restMs : left <= 0 ? 0 : null });
    }
    requests.push(...claimed.flat());
  }
  await sql.run(setRests, [
    rests.map(({ instanceId }) => instanceId),
    rests.map(({ target }) => target),
    rests.map(({ restMs, fromAll }) => (fromAll ? restMs : null)),
    rests.map(({ restMs, fromAll }) => (fromAll ? null : restMs)),
    storeId,
  ]);
  return readClaimed(sql, requests);
}

const isBatching = (
  target: TargetRoom | undefined,
): target is TargetRoom & { readonly batch: NonNullable<TargetRoom['batch']> } =>
  target?.batch != null && webhookIdOf(target.target) !== null;

/** Those that are claimed for together: they cannot use up more than is left, or there is only one of them. */
function nextServed(targets: readonly TargetRoom[], left: number): readonly TargetRoom[] {
  let wanted = 0;
  const count = targets.findIndex((target, index) => {
    wanted += target.room;
    return index > 0 && (wanted > left || isBatching(target) || isBatching(targets[0]));
  });
  return count === -1 ? targets : targets.slice(0, count);
}

const listClaimed = `
  SELECT ${messageColumns}, ${aboutColumns}
  FROM unnest($1::uuid[], $2::uuid[]) AS c (instance_id, message_id)
    JOIN message_queue q ON q.instance_id = c.instance_id AND q.message_id = c.message_id
    CROSS JOIN LATERAL (
      SELECT * FROM messages
      WHERE instance_id = q.instance_id AND day = q.day AND id = q.message_id AND day = ANY($3::bigint[]) OFFSET 0
    ) m ${aboutJoins}`;

async function readClaimed(sql: Sql, requests: readonly Request[]): Promise<readonly ClaimedMessage[]> {
  const claimed = requests.flatMap(({ messageIds, ...request }) =>
    messageIds.map((messageId) => ({ ...request, messageId })),
  );
  if (claimed.length === 0) return [];
  const ids = claimed.map(({ messageId }) => messageId);
  const rows = await sql.all<MessageRow & AboutRow>(listClaimed, [
    claimed.map(({ instanceId }) => instanceId),
    ids,
    [...new Set(ids.map(uuidV7Day))],
  ]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return claimed.flatMap(({ messageId, claimToken, batchId }) => {
    const row = byId.get(messageId);
    return row ? [{ ...toMessage(row), ...toAbout(row), claimToken, batchId }] : [];
  });
}

const holdWaiting = endWaiting(
  `state = 'held'`,
  `SELECT message_id FROM message_queue
   WHERE instance_id = $1 AND target = $2 AND (claim_token IS NULL OR due_at <= pharos_now())
   LIMIT $3 FOR UPDATE SKIP LOCKED`,
);
const lockDisabled = `
  SELECT 1 FROM webhooks WHERE instance_id = $1 AND id = $2 AND disabled_at IS NOT NULL FOR SHARE`;

export const createClaimMessages = (storeId: string): CommandHandlers<MessageCommands>['claimMessages'] =>
  each((sql, claiming) => claim(sql, storeId, claiming));

export const holdMessages: CommandHandlers<MessageCommands>['holdMessages'] = each(
  async (sql, { instanceId, webhookId, limit }) => {
    // It stays disabled until its messages are held.
    if (!(await sql.get(lockDisabled, [instanceId, webhookId]))) return 0;
    return sql.run(holdWaiting, [instanceId, webhookId, limit]);
  },
);

/**
 * Begins a statement: `target` has a row for each target that anything waits for, with what falls due first for it. From target
 * to target, and none of the messages between them is looked at; so nothing has to be written when something falls due.
 */
export const withTargets = `
  WITH RECURSIVE target AS (
    (SELECT instance_id, target, due_at FROM message_queue ORDER BY instance_id, target, due_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM target t CROSS JOIN LATERAL (
      SELECT q.instance_id, q.target, q.due_at FROM message_queue q
      WHERE (q.instance_id, q.target) > (t.instance_id, t.target) ORDER BY q.instance_id, q.target, q.due_at LIMIT 1
    ) next
  )`;
const turns = `
  ${withTargets}, turn AS (
    SELECT t.instance_id, t.target, greatest(t.due_at, a.until, o.until) AS at
    FROM target t
      LEFT JOIN message_rests a
        ON a.instance_id = t.instance_id AND a.target = t.target AND a.store_id = '${allStores}'
      LEFT JOIN message_rests o ON o.instance_id = t.instance_id AND o.target = t.target AND o.store_id = $1
  )`;
const listDueTurns = `${turns} SELECT instance_id, target FROM turn WHERE at <= pharos_now() ORDER BY at LIMIT $2`;
const findNextTurn = `${turns} SELECT min(at) - pharos_now() AS wait FROM turn`;

const findRest = `
  SELECT until FROM message_rests
  WHERE instance_id = $1 AND target = $2 AND store_id = '${allStores}' AND until > pharos_now()`;

/** Until when it rests from all nodes; null: it does not. */
export const restsUntil = async (sql: Sql, { instanceId, target }: MessageTarget): Promise<number | null> =>
  (await sql.get<{ until: number }>(findRest, [instanceId, target]))?.until ?? null;

/** Milliseconds until a target has its turn; negative when one has it; null: nothing waits. */
export const nextTurn = async (sql: Sql, storeId: string): Promise<number | null> =>
  (await sql.get<{ wait: number | null }>(findNextTurn, [storeId]))?.wait ?? null;

export const createTurnQueries = (storeId: string): QueryHandlers<Pick<MessageQueries, 'listTurns'>> => ({
  listTurns: async (sql, limit) =>
    (await sql.all<{ instance_id: string; target: string }>(listDueTurns, [storeId, limit])).map((row) => ({
      instanceId: row.instance_id,
      target: row.target,
    })),
});

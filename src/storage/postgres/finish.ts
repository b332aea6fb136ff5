import type { PublishKey, PublishTarget } from '../../core/ports/publish-store.ts';
import type { Sql } from './database.ts';
import { addEvents, addToSubscribers, addToUrls } from './outbox.ts';
import { listUntriedStarted } from './started-first.ts';

const lockPublishes = `
  SELECT FROM publishes WHERE (instance_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
  ORDER BY instance_id, id FOR UPDATE`;
const finishPublishes = `
  UPDATE publishes p SET finished_at = pharos_now()
  FROM unnest($1::uuid[], $2::uuid[]) AS k (instance_id, id)
  WHERE p.instance_id = k.instance_id AND p.id = k.id AND p.finished_at IS NULL
    AND NOT EXISTS (SELECT FROM ranges r WHERE r.instance_id = p.instance_id AND r.publish_id = p.id)
    AND NOT EXISTS (SELECT FROM deferred_deliveries f WHERE f.instance_id = p.instance_id AND f.publish_id = p.id)
  RETURNING p.instance_id AS "instanceId", p.id AS "publishId", p.target_kind AS "targetKind",
    p.url_target AS "urlTarget"`;
const listFinished = `
  SELECT p.instance_id AS "instanceId", p.id AS "publishId" FROM publishes p
    JOIN unnest($1::uuid[], $2::uuid[]) AS k (instance_id, id) ON p.instance_id = k.instance_id AND p.id = k.id
  WHERE p.finished_at IS NOT NULL`;

/** Locks publishes until the end of the transaction, so that only one decides what follows when something of them is over. */
export const lock = async (sql: Sql, publishes: readonly PublishKey[]): Promise<void> =>
  void (await sql.run(lockPublishes, toColumns(publishes)));

/**
 * Closes publishes of which no range and no deferred delivery is left; answers those that it closed. What of them is over
 * was deleted before by the same transaction.
 */
export async function finish(sql: Sql, publishes: readonly PublishKey[]): Promise<readonly PublishKey[]> {
  if (publishes.length === 0) return [];
  // First the locks, then a look: of two that end at once in two transactions, the second sees that the first is over.
  await lock(sql, publishes);
  const finished = await sql.all<Closing>(finishPublishes, toColumns(publishes));
  await close(sql, finished);
  return finished;
}

/** Those of the publishes that were closed. */
export const whichFinished = (sql: Sql, publishes: readonly PublishKey[]): Promise<readonly PublishKey[]> =>
  publishes.length === 0 ? Promise.resolve([]) : sql.all<PublishKey>(listFinished, toColumns(publishes));

export interface Closing extends PublishKey {
  readonly targetKind: PublishTarget['kind'];
  /** Null: it has no `webhookUrl`. */
  readonly urlTarget: string | null;
}

/** Writes the closing messages of publishes that were just finished. */
export async function close(sql: Sql, publishes: readonly Closing[]): Promise<void> {
  const type = 'v1.PublishToUsersAttempt';
  const toUsers = publishes.filter(({ targetKind }) => targetKind === 'users');
  const attempts = await addEvents(sql, toUsers, type);
  await addToSubscribers(
    sql,
    attempts.map((event) => ({ ...event, type })),
  );
  const told = publishes.filter(({ urlTarget }) => urlTarget !== null);
  if (told.length === 0) return;
  const untried = new Set((await listUntriedStarted(sql, told)).map(({ publishId }) => publishId));
  // FINISHED must not overtake STARTED's first attempt: that attempt's completion makes it due.
  const events = await addEvents(sql, told, 'publish.finished');
  await addToUrls(
    sql,
    events.map((event, index) => {
      const { publishId, urlTarget } = told[index] as Closing;
      return { event, target: urlTarget ?? '', held: untried.has(publishId) };
    }),
  );
}

/** Values of the first two parameters of statements about publishes. */
export const toColumns = (publishes: readonly PublishKey[]): [readonly string[], readonly string[]] => [
  publishes.map(({ instanceId }) => instanceId),
  publishes.map(({ publishId }) => publishId),
];

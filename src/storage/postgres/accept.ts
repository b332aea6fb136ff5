import type { AcceptAnswer, AcceptPublish, Audience } from '../../core/ports/publish-store.ts';
import type { Sealer } from '../../core/ports/sealer.ts';
import { publishBodyPlace } from '../../core/ports/publish-store.ts';
import { dayOf } from '../rows/day.ts';
import { openEnd } from '../rows/open-end.ts';
import { userStates } from '../rows/user-states.ts';
import { keepAnswers, takeAnswers } from './accept-answers.ts';
import { toAudience } from './accept-audience.ts';
import { readAudiencePage } from './audience.ts';
import type { Sql } from './database.ts';
import type { Closing } from './finish.ts';
import { close, toColumns } from './finish.ts';
import { addEvents, addToUrls } from './outbox.ts';

/** Pages that are looked through for somebody to reach; beyond that there may be somebody. */
const pagesToLookThrough = 5;

/** Accepts publishes; of those with the same key the first is accepted, and the others get its answer. */
export async function acceptPublishes(
  sql: Sql,
  items: readonly AcceptPublish[],
  sealer: Pick<Sealer, 'seal'>,
): Promise<readonly AcceptAnswer[]> {
  const earlier = await takeAnswers(sql, items);
  const fresh = items.filter((_, index) => earlier[index] === 'none');
  const answers = await acceptAll(sql, fresh, sealer);
  await keepAnswers(sql, fresh, answers);
  const answerOf = new Map(fresh.map((item, index) => [item, answers[index] as AcceptAnswer]));
  return items.map((item, index) => {
    const known = earlier[index];
    if (known === undefined || known === 'none') return answerOf.get(item) as AcceptAnswer;
    return typeof known === 'number'
      ? { ...(answerOf.get(items[known] as AcceptPublish) as AcceptAnswer), replayed: true, finished: false }
      : known;
  });
}

interface Accepting {
  readonly item: AcceptPublish;
  readonly audience: Audience;
  readonly answer: AcceptAnswer;
}

async function acceptAll(
  sql: Sql,
  items: readonly AcceptPublish[],
  sealer: Pick<Sealer, 'seal'>,
): Promise<readonly AcceptAnswer[]> {
  if (items.length === 0) return [];
  const accepting: Accepting[] = [];
  for (const item of items) {
    const { audience, unreached } = await toAudience(sql, item);
    const publishId = (await reachesNobody(sql, item, audience)) ? null : item.publishId;
    accepting.push({ item, audience, answer: { publishId, unreached, replayed: false, finished: false } });
  }
  const written = accepting.filter(({ answer }) => answer.publishId !== null);
  await insertUsers(sql, written);
  const finished = await listWithoutDevice(sql, written);
  await insertPublishes(sql, written, finished, sealer);
  await announceStart(sql, written);
  await insertRanges(
    sql,
    written.filter(({ item }) => !finished.has(item)).map(({ item }) => item),
  );
  await close(sql, [...finished].map(toClosing));
  return accepting.map(({ item, answer }) => ({ ...answer, finished: finished.has(item) }));
}

const toClosing = ({ instanceId, publishId, target, urlTarget }: AcceptPublish): Closing => ({
  ...{ instanceId, publishId, urlTarget },
  targetKind: target.kind,
});

async function reachesNobody(sql: Sql, item: AcceptPublish, audience: Audience): Promise<boolean> {
  if (audience.kind === 'users' || audience.kind === 'interests') return false;
  // Who is there when a scheduled publish is due is seen then; devices that are named exist or do not.
  if (item.sendAfter !== undefined && audience.kind !== 'devices') return false;
  let cursor = { user: 0, device: 0 };
  const range = { ...item, audience, end: { user: 0, device: openEnd } };
  for (let page = 0; page < pagesToLookThrough; page += 1) {
    const { devices, next } = await readAudiencePage(sql, range, cursor, 200);
    if (devices.length > 0) return false;
    if (!next) return true;
    cursor = next;
  }
  return false;
}

// Only names that are new, or that nobody used today: others' rows stay unlocked, and publishes to the same user do not wait
// for each other. In order, so that two transactions do not wait for each other. `+ 0`: found by the name, not by the day.
const useNames = `
  INSERT INTO users (instance_id, name, last_used_day)
  SELECT DISTINCT n.instance_id, n.name, $3::bigint FROM unnest($1::uuid[], $2::text[]) AS n (instance_id, name)
  WHERE NOT EXISTS (
    SELECT FROM users u WHERE u.instance_id = n.instance_id AND u.name = n.name AND u.last_used_day + 0 >= $3)
  ORDER BY 1, 2
  ON CONFLICT (instance_id, name) WHERE name IS NOT NULL
  DO UPDATE SET last_used_day = greatest(users.last_used_day, excluded.last_used_day)`;
const insertPublishUsers = `
  INSERT INTO publish_users (instance_id, publish_id, user_number, position, state)
  SELECT n.instance_id, n.publish_id, u.number, min(n.position), ${userStates.noDevices}
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS n (instance_id, publish_id, name, position)
    JOIN users u ON u.instance_id = n.instance_id AND u.name = n.name
  GROUP BY 1, 2, 3`;

async function insertUsers(sql: Sql, accepting: readonly Accepting[]): Promise<void> {
  const named = accepting.flatMap(({ item: { instanceId, publishId, target } }) =>
    target.kind === 'users' ? target.users.map((name, position) => ({ instanceId, publishId, name, position })) : [],
  );
  if (named.length === 0) return;
  const [instances, names] = [named.map(({ instanceId }) => instanceId), named.map(({ name }) => name)];
  await sql.run(useNames, [instances, names, dayOf(sql.clock())]);
  const positions = named.map(({ position }) => position);
  await sql.run(insertPublishUsers, [instances, named.map(({ publishId }) => publishId), names, positions]);
}

const listWithoutSubscriber = `
  SELECT k.n FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS k (instance_id, n, interest)
  GROUP BY k.n
  HAVING NOT bool_or(EXISTS (
    SELECT FROM device_interests i WHERE i.instance_id = k.instance_id AND i.interest = k.interest OFFSET 0))`;
const listWithoutUserDevice = `
  SELECT k.n FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (instance_id, publish_id, n)
  WHERE NOT EXISTS (
    SELECT FROM publish_users pu CROSS JOIN LATERAL (
      SELECT FROM devices d
      WHERE d.instance_id = pu.instance_id AND d.user_number = pu.user_number AND d.gone_at IS NULL LIMIT 1
    ) d
    WHERE pu.instance_id = k.instance_id AND pu.publish_id = k.publish_id)`;

/** Many publishes are to interests or users without a device: a range that finds out later costs three more commits. */
async function listWithoutDevice(sql: Sql, accepting: readonly Accepting[]): Promise<ReadonlySet<AcceptPublish>> {
  const items = accepting.map(({ item }) => item).filter(({ sendAfter }) => sendAfter === undefined);
  const toUsers = items.filter(({ target }) => target.kind === 'users');
  const interests = items.flatMap(({ instanceId, target }, index) =>
    target.kind === 'interests' ? target.interests.map((interest) => ({ instanceId, index, interest })) : [],
  );
  const found = new Set<AcceptPublish>();
  if (toUsers.length > 0) {
    const rows = await sql.all<{ n: number }>(listWithoutUserDevice, toColumns(toUsers));
    for (const { n } of rows) found.add(toUsers[n - 1] as AcceptPublish);
  }
  if (interests.length > 0) {
    const rows = await sql.all<{ n: number }>(listWithoutSubscriber, [
      ...[interests.map(({ instanceId }) => instanceId), interests.map(({ index }) => index)],
      interests.map(({ interest }) => interest),
    ]);
    for (const { n } of rows) found.add(items[n] as AcceptPublish);
  }
  return found;
}

const insertAll = `
  INSERT INTO publishes
    (instance_id, id, accepted_at, target_kind, audience, platforms, body, url_target, send_after, finished_at)
  SELECT instance_id, id, pharos_now(), target_kind, audience, platforms, body, url_target, send_after,
    CASE WHEN finished THEN pharos_now() END
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[],
      $9::boolean[])
    AS p (instance_id, id, target_kind, audience, platforms, body, url_target, send_after, finished)`;

async function insertPublishes(
  sql: Sql,
  accepting: readonly Accepting[],
  finished: ReadonlySet<AcceptPublish>,
  sealer: Pick<Sealer, 'seal'>,
): Promise<void> {
  const items = accepting.map(({ item }) => item);
  if (items.length === 0) return;
  await sql.run(insertAll, [
    ...toColumns(items),
    items.map(({ target }) => target.kind),
    accepting.map(({ audience }) => JSON.stringify(audience)),
    items.map(({ platforms }) => JSON.stringify(platforms)),
    items.map((item) => sealer.seal(publishBodyPlace(item), JSON.stringify(item.body))),
    items.map(({ urlTarget }) => urlTarget),
    items.map(({ sendAfter = null }) => sendAfter),
    items.map((item) => finished.has(item)),
  ]);
}

async function announceStart(sql: Sql, accepting: readonly Accepting[]): Promise<void> {
  const told = accepting.map(({ item }) => item).filter(({ urlTarget }) => urlTarget !== null);
  const events = await addEvents(sql, told, 'publish.started');
  await addToUrls(
    sql,
    events.map((event, index) => ({ event, target: told[index]?.urlTarget ?? '', held: false })),
  );
}

// The greatest number of all instances: as good an end as the instance's own, and no index is needed to find it.
const insertAllRanges = `
  INSERT INTO ranges (instance_id, publish_id, number, first_place, cursor_user, cursor_device, end_user, end_device,
    due_at, pages)
  SELECT k.instance_id, k.publish_id, 1, 0, 0, 0,
    CASE WHEN k.to_users THEN coalesce((SELECT max(user_number) FROM publish_users pu
      WHERE pu.instance_id = k.instance_id AND pu.publish_id = k.publish_id), 0) ELSE 0 END,
    CASE WHEN k.send_after IS NULL THEN coalesce((SELECT max(number) FROM devices), 0) ELSE ${openEnd} END,
    greatest(pharos_now(), k.send_after), 0
  FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::bigint[]) AS k (instance_id, publish_id, to_users, send_after)`;

async function insertRanges(sql: Sql, items: readonly AcceptPublish[]): Promise<void> {
  if (items.length === 0) return;
  await sql.run(insertAllRanges, [
    ...toColumns(items),
    items.map(({ target }) => target.kind === 'users'),
    items.map(({ sendAfter = null }) => sendAfter),
  ]);
}

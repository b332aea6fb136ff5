import type { Audience, RangeKey } from '../../core/ports/publish-store.ts';
import { dropUnclaimed } from './cancel.ts';
import type { Sql } from './database.ts';
import { divideRange, maxRanges } from './divide-range.ts';
import { findLastReachable } from './reachable.ts';

const lockPublish = `
  SELECT audience, canceled_at FROM publishes WHERE instance_id = $1 AND id = $2 FOR UPDATE`;
const listRanges = `
  SELECT number, first_place, cursor_user, cursor_device, end_user, end_device, pages,
    claim_token IS NULL AND due_at IS NOT NULL AS waits
  FROM ranges WHERE instance_id = $1 AND publish_id = $2`;
const rest = 'UPDATE ranges SET due_at = NULL WHERE instance_id = $1 AND publish_id = $2 AND number = $3';
const shorten = `
  UPDATE ranges SET end_user = $4, end_device = $5 WHERE instance_id = $1 AND publish_id = $2 AND number = $3`;
const takeNumbers = `
  UPDATE publishes SET ranges = ranges + $3 WHERE instance_id = $1 AND id = $2 RETURNING ranges AS last`;
const insertResting = `
  INSERT INTO ranges
    (instance_id, publish_id, number, first_place, cursor_user, cursor_device, end_user, end_device, due_at, pages)
  SELECT $1, $2, r.*, NULL, 0
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS r`;
const findLastSubscribed = `
  SELECT max(s.number) AS last FROM unnest($3::text[]) AS i (name) CROSS JOIN LATERAL (
    SELECT device_number AS number FROM device_interests
    WHERE instance_id = $1 AND interest = i.name AND device_number <= $2 ORDER BY device_number DESC LIMIT 1
  ) s`;

interface RangeRow {
  number: number;
  first_place: number;
  cursor_user: number;
  cursor_device: number;
  end_user: number;
  end_device: number;
  pages: number;
  waits: boolean;
}

/**
 * What follows when a range was given back with more to send: a publish that is so large is divided, so that others can take
 * parts of it; and this range rests while another one of the publish waits.
 */
export async function giveBack(sql: Sql, { instanceId, publishId, rangeNumber }: RangeKey): Promise<void> {
  const key = [instanceId, publishId];
  const publish = await sql.get<{ audience: string; canceled_at: number | null }>(lockPublish, key);
  if (!publish) return;
  if (publish.canceled_at !== null) return dropUnclaimed(sql, { instanceId, publishId });
  const ranges = await sql.all<RangeRow>(listRanges, key);
  const range = ranges.find(({ number }) => number === rangeNumber);
  if (!range) return;
  const audience = JSON.parse(publish.audience) as Audience;
  const room = maxRanges + 1 - ranges.length;
  if (room > 1 && audience.kind !== 'devices') await divide(sql, key, { range, audience, room });
  if (ranges.some(({ number, waits }) => waits && number !== rangeNumber)) await sql.run(rest, [...key, rangeNumber]);
}

interface ToDivide {
  readonly range: RangeRow;
  readonly audience: Audience;
  readonly room: number;
}

async function divide(sql: Sql, key: readonly string[], { range, audience, room }: ToDivide): Promise<void> {
  const ofUsers = audience.kind === 'users';
  const cursor = ofUsers ? range.cursor_user : range.cursor_device;
  const last = ofUsers ? range.end_user : await findLast(sql, key, range.end_device, audience);
  const ends = divideRange({ first: range.first_place, cursor, end: last, pages: range.pages }, room);
  const [first = last, ...others] = ends;
  if (others.length === 0) return;
  // The last part ends where the range did: who is there, and cannot be reached at the moment, is still part of it.
  const beginnings = [first, ...others].slice(0, -1);
  const userEnds = others.map((end) => (ofUsers ? end : range.end_user));
  const deviceEnds = others.map((end, index) => (ofUsers || index === others.length - 1 ? range.end_device : end));
  await sql.run(shorten, [
    ...[...key, range.number],
    ...(ofUsers ? [first, range.end_device] : [range.end_user, first]),
  ]);
  const { last: lastNumber = 0 } = (await sql.get<{ last: number }>(takeNumbers, [...key, others.length])) ?? {};
  await sql.run(insertResting, [
    ...key,
    others.map((_, index) => lastNumber - others.length + 1 + index),
    beginnings,
    beginnings.map((place) => (ofUsers ? place : 0)),
    // Everything of the user at the end of one part belongs to that part.
    beginnings.map((place) => (ofUsers ? range.end_device : place)),
    userEnds,
    deviceEnds,
  ]);
}

/** The last device of the audience: far beyond it there may be those of other instances. */
async function findLast(
  sql: Sql,
  [instanceId = '']: readonly string[],
  end: number,
  audience: Audience,
): Promise<number> {
  const found =
    audience.kind === 'interests'
      ? await sql.get<{ last: number | null }>(findLastSubscribed, [instanceId, end, audience.interests])
      : await sql.get<{ last: number | null }>(findLastReachable, [instanceId, end]);
  return found?.last ?? end;
}

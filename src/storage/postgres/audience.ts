import type { Audience, AudienceCursor, AudiencePage } from '../../core/ports/publish-store.ts';
import type { AudienceToRead, DeviceRow } from '../rows/audience-row.ts';
import { sdkMetadata, toDevices } from '../rows/audience-row.ts';
import type { Sql, SqlValue } from './database.ts';
import { listReachable } from './reachable.ts';
import { findByTags } from './tags.ts';

const columns = `d.user_number, d.platform, d.address, d.keys, d.bundle_identifier, d.registered_at, ${sdkMetadata}`;

/** Device numbers of an instance ($1) after one ($2) and up to another ($3), in order: one more than a page has ($4). */
const everyone = listReachable;
// One ordered scan a name, merged here: `= ANY(…) ORDER BY` would sort the whole audience for every page.
const withInterests = `
  SELECT DISTINCT s.number FROM unnest($5::text[]) AS i (name) CROSS JOIN LATERAL (
    SELECT device_number AS number FROM device_interests
    WHERE (instance_id, interest, device_number) > ($1, i.name, $2)
      AND (instance_id, interest, device_number) <= ($1, i.name, $3)
    ORDER BY instance_id, interest, device_number LIMIT $4
  ) s ORDER BY s.number LIMIT $4`;
const named = `
  SELECT number FROM unnest($5::bigint[]) AS n (number) WHERE number > $2 AND number <= $3
  UNION
  SELECT s.number FROM unnest($6::bigint[]) AS a (name) CROSS JOIN LATERAL (
    SELECT number FROM devices
    WHERE instance_id = $1 AND alias_number = a.name AND number > $2 AND number <= $3 ORDER BY number LIMIT $4
  ) s
  UNION
  SELECT s.number FROM unnest($6::bigint[]) AS a (name) CROSS JOIN LATERAL (
    SELECT number FROM devices
    WHERE instance_id = $1 AND user_number = a.name AND gone_at IS NULL AND number > $2 AND number <= $3
    ORDER BY number LIMIT $4
  ) s
  ORDER BY number LIMIT $4`;
const listed = 'SELECT number FROM unnest($2::bigint[]) AS n (number)';

/** All numbers that were found, also of devices that cannot be reached: those have no address. `OFFSET 0`: device by device. */
const readDevices = (numbers: string): string => `
  WITH page AS MATERIALIZED (${numbers})
  SELECT page.number, ${columns}
  FROM page LEFT JOIN LATERAL (SELECT * FROM devices WHERE number = page.number OFFSET 0) d
    ON d.instance_id = $1 AND d.gone_at IS NULL AND d.muted_at IS NULL
  ORDER BY page.number`;
const readEveryone = readDevices(everyone);
const readWithInterests = readDevices(withInterests);
const readNamed = readDevices(named);
const readListed = readDevices(listed);

// By one index each, in the order of both: nothing is sorted, and reading stops at the limit.
const readDevicesOfUsers = `
  SELECT d.number, ${columns}, d.muted_at
  FROM (
    SELECT user_number FROM publish_users
    WHERE instance_id = $1 AND publish_id = $2 AND user_number >= $3 AND user_number <= $5 ORDER BY user_number
  ) pu CROSS JOIN LATERAL (
    SELECT * FROM devices d
    WHERE d.instance_id = $1 AND d.user_number = pu.user_number AND d.gone_at IS NULL
      AND d.number > CASE WHEN pu.user_number = $3 THEN $4 ELSE 0 END AND d.number <= $6
    ORDER BY d.number LIMIT $7
  ) d LIMIT $7`;

/** A page of a publish's audience: each device once, in cursor order. */
export async function readAudiencePage(
  sql: Sql,
  range: AudienceToRead,
  cursor: AudienceCursor,
  limit: number,
): Promise<AudiencePage> {
  const { audience, instanceId, end } = range;
  if (audience.kind === 'users') return readUsersPage(sql, range, cursor, limit);
  if (audience.kind === 'tags') {
    const scan = { instanceId, after: cursor.device, end: end.device, limit };
    const { numbers, lookedUpTo } = await findByTags(sql, audience.filter, scan);
    const rows = numbers.length === 0 ? [] : await sql.all<DeviceRow>(readListed, [instanceId, numbers]);
    return { devices: toDevices(range, rows.filter(isReachable)), next: placeOf(lookedUpTo) };
  }
  const [statement, values] = statementFor(audience);
  const place = [instanceId, cursor.device, end.device, limit + 1];
  const rows = await sql.all<FoundRow>(statement, [...place, ...values]);
  const page = rows.slice(0, limit);
  return {
    devices: toDevices(range, page.filter(isReachable)),
    next: rows.length > limit ? placeOf(page.at(-1)?.number ?? null) : null,
  };
}

type FoundRow = DeviceRow | { number: number; address: null };
const isReachable = (row: FoundRow): row is DeviceRow => row.address !== null;
const placeOf = (device: number | null): AudienceCursor | null => (device === null ? null : { user: 0, device });

/** What finds the numbers, and its further parameters. */
function statementFor(audience: Audience): readonly [string, readonly SqlValue[]] {
  if (audience.kind === 'interests') return [readWithInterests, [audience.interests]];
  if (audience.kind === 'devices') return [readNamed, [audience.deviceNumbers, audience.aliasNumbers]];
  return [readEveryone, []];
}

async function readUsersPage(
  sql: Sql,
  range: AudienceToRead,
  cursor: AudienceCursor,
  limit: number,
): Promise<AudiencePage> {
  const { instanceId, publishId, end } = range;
  const rows = await sql.all<DeviceRow & { user_number: number; muted_at: number | null }>(readDevicesOfUsers, [
    ...[instanceId, publishId, cursor.user, cursor.device, end.user, end.device, limit + 1],
  ]);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const reachable = page.filter((row) => row.muted_at === null);
  return {
    devices: toDevices(range, reachable),
    next: rows.length > limit && last ? { user: last.user_number, device: last.number } : null,
  };
}

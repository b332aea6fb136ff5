import type { TagCondition, TagFilter } from '../../core/ports/publish-store.ts';
import type { Matches, Scan } from '../rows/tag-filter.ts';
import { candidatesOf, maxLookedAt, meets } from '../rows/tag-filter.ts';
import type { Sql } from './database.ts';
import { listReachable } from './reachable.ts';

const listWithKey = `
  SELECT device_number AS number FROM device_tags
  WHERE (instance_id, key, device_number) > ($1, $5, $2) AND (instance_id, key, device_number) <= ($1, $5, $3)
  ORDER BY instance_id, key, device_number LIMIT $4`;
const listWithValue = `
  SELECT device_number AS number FROM device_tags
  WHERE (instance_id, key, value, device_number) > ($1, $5, $6, $2)
    AND (instance_id, key, value, device_number) <= ($1, $5, $6, $3)
  ORDER BY instance_id, key, value, device_number LIMIT $4`;
// `OFFSET 0`: device by device, however few tags the planner believes that there are.
const listTags = `
  SELECT n.number, t.key, t.value
  FROM unnest($2::bigint[]) AS n (number) CROSS JOIN LATERAL (
    SELECT key, value FROM device_tags WHERE instance_id = $1 AND device_number = n.number OFFSET 0
  ) t`;

/** Finds devices whose tags meet a filter, in order of their numbers. */
export async function findByTags(sql: Sql, filter: TagFilter, scan: Scan): Promise<Matches> {
  const numbers: number[] = [];
  let lookedUpTo: number | null = scan.after;
  for (let looked = 0; lookedUpTo !== null && looked < maxLookedAt && numbers.length < scan.limit;) {
    const found: Matches = await look(sql, filter, { ...scan, after: lookedUpTo });
    numbers.push(...found.numbers);
    looked += scan.limit * filter.length;
    ({ lookedUpTo } = found);
  }
  const page = numbers.slice(0, scan.limit);
  return { numbers: page, lookedUpTo: numbers.length > page.length ? (page.at(-1) ?? null) : lookedUpTo };
}

/** Of the next devices, a page of candidates a group, those that match. */
async function look(sql: Sql, filter: TagFilter, scan: Scan): Promise<Matches> {
  const groups: (readonly [readonly TagCondition[], readonly number[]])[] = [];
  for (const group of filter) groups.push([group, await listCandidates(sql, group, scan)]);
  const known = await readTags(
    sql,
    scan.instanceId,
    groups.flatMap(([, candidates]) => candidates),
  );
  const matching = new Set<number>();
  let lookedUpTo: number | null = null;
  for (const [group, candidates] of groups) {
    const last = candidates.at(-1);
    // Only as far as every group was looked at can be said who matches none of them.
    if (candidates.length === scan.limit && last !== undefined) lookedUpTo = Math.min(lookedUpTo ?? last, last);
    for (const number of candidates) if (meets(known.get(number) ?? noTags, group)) matching.add(number);
  }
  const end = lookedUpTo ?? scan.end;
  return { numbers: [...matching].filter((number) => number <= end).sort((a, b) => a - b), lookedUpTo };
}

const noTags: ReadonlyMap<string, string> = new Map();

/** Devices that may match, by the condition that leaves the fewest: one ordered walk along an index. */
async function listCandidates(
  sql: Sql,
  group: readonly TagCondition[],
  { instanceId, after, end, limit }: Scan,
): Promise<readonly number[]> {
  const candidates = candidatesOf(group);
  const place = [instanceId, after, end, limit];
  const rows =
    candidates.by === 'value'
      ? await sql.all<{ number: number }>(listWithValue, [...place, candidates.key, candidates.value])
      : candidates.by === 'key'
        ? await sql.all<{ number: number }>(listWithKey, [...place, candidates.key])
        : await sql.all<{ number: number }>(listReachable, place);
  return rows.map(({ number }) => number);
}

async function readTags(
  sql: Sql,
  instanceId: string,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, ReadonlyMap<string, string>>> {
  const known = new Map<number, Map<string, string>>();
  if (numbers.length === 0) return known;
  const rows = await sql.all<{ number: number; key: string; value: string }>(listTags, [
    ...[instanceId, [...new Set(numbers)]],
  ]);
  for (const { number, key, value } of rows) {
    const tags = known.get(number) ?? new Map<string, string>();
    known.set(number, tags.set(key, value));
  }
  return known;
}

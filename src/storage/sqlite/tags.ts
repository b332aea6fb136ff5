import type { DatabaseSync } from 'node:sqlite';
import type { TagCondition, TagFilter } from '../../core/ports/publish-store.ts';
import type { Matches, Scan } from '../rows/tag-filter.ts';
import { candidatesOf, maxLookedAt, meets } from '../rows/tag-filter.ts';
import { prepare } from './statement.ts';

type TagsOf = (deviceNumber: number) => ReadonlyMap<string, string>;

/** Finds devices whose tags meet a filter, in order of their numbers. */
export function prepareFindByTags(db: DatabaseSync): (filter: TagFilter, scan: Scan) => Matches {
  const listReachable = prepare<{ number: number }>(
    db,
    `SELECT number FROM devices INDEXED BY devices_reachable
     WHERE instance_id = ? AND number > ? AND number <= ? AND gone_at IS NULL AND muted_at IS NULL
     ORDER BY number LIMIT ?`,
  );
  const listWithKey = prepare<{ number: number }>(
    db,
    `SELECT device_number AS number FROM device_tags INDEXED BY device_tags_by_key
     WHERE instance_id = ? AND key = ? AND device_number > ? AND device_number <= ? ORDER BY device_number LIMIT ?`,
  );
  const listWithValue = prepare<{ number: number }>(
    db,
    `SELECT device_number AS number FROM device_tags INDEXED BY device_tags_by_value
     WHERE instance_id = ? AND key = ? AND value = ? AND device_number > ? AND device_number <= ?
     ORDER BY device_number LIMIT ?`,
  );
  const listTags = prepare<{ key: string; value: string }>(
    db,
    'SELECT key, value FROM device_tags WHERE instance_id = ? AND device_number = ?',
  );

  /** Devices that may match, by the condition that leaves the fewest: one ordered walk along an index. */
  const listCandidates = (group: readonly TagCondition[], { instanceId, after, end }: Scan, limit: number) => {
    const candidates = candidatesOf(group);
    if (candidates.by === 'value') {
      return listWithValue.all(instanceId, candidates.key, candidates.value, after, end, limit);
    }
    if (candidates.by === 'key') return listWithKey.all(instanceId, candidates.key, after, end, limit);
    return listReachable.all(instanceId, after, end, limit);
  };

  /** Of the next devices, a page of candidates a group, those that match. */
  const look = (filter: TagFilter, scan: Scan): Matches => {
    const known = new Map<number, ReadonlyMap<string, string>>();
    const tagsOf: TagsOf = (number) => {
      const tags =
        known.get(number) ?? new Map(listTags.all(scan.instanceId, number).map((row) => [row.key, row.value]));
      known.set(number, tags);
      return tags;
    };
    const matching = new Set<number>();
    let lookedUpTo: number | null = null;
    for (const group of filter) {
      const candidates = listCandidates(group, scan, scan.limit);
      const last = candidates.at(-1)?.number;
      // Only as far as every group was looked at can be said who matches none of them.
      if (candidates.length === scan.limit && last !== undefined) lookedUpTo = Math.min(lookedUpTo ?? last, last);
      for (const { number } of candidates) {
        if (meets(tagsOf(number), group)) matching.add(number);
      }
    }
    const end = lookedUpTo ?? scan.end;
    return { numbers: [...matching].filter((number) => number <= end).sort((a, b) => a - b), lookedUpTo };
  };

  return (filter, scan) => {
    const numbers: number[] = [];
    let lookedUpTo: number | null = scan.after;
    for (let looked = 0; lookedUpTo !== null && looked < maxLookedAt && numbers.length < scan.limit;) {
      const found = look(filter, { ...scan, after: lookedUpTo });
      numbers.push(...found.numbers);
      looked += scan.limit * filter.length;
      ({ lookedUpTo } = found);
    }
    const page = numbers.slice(0, scan.limit);
    return { numbers: page, lookedUpTo: numbers.length > page.length ? (page.at(-1) ?? null) : lookedUpTo };
  };
}

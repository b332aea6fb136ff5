import type { RecordReport } from '../../core/ports/report-store.ts';
import { browserFamilyOf } from '../../protocol/browser-family.ts';
import type { Platform } from '../../protocol/ids.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { CountedReport, ReportCount } from '../rows/report-counts.ts';
import { countsOf } from '../rows/report-counts.ts';
import type { Sql } from './database.ts';
import type { Receiver } from './report-receivers.ts';

/** A report that was inserted. */
export interface Inserted {
  readonly report: RecordReport;
  readonly receiver: Receiver;
}

/** A device that may be counted: nobody of this transaction has reported it so before. */
interface Candidate {
  readonly counter: Counter;
  readonly day: number;
  readonly deviceNumber: number;
  /** Inserted by this transaction. */
  readonly own: Set<string>;
}

interface Counter {
  readonly instanceId: string;
  readonly publishId: string;
  readonly platform: Platform;
  readonly family: string;
  readonly outcome: ReportCount;
}

const keyOf = (counter: Counter): string =>
  `${counter.instanceId} ${counter.publishId} ${counter.platform} ${counter.family} ${counter.outcome}`;

const counters = `
  unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
    AS c (instance_id, publish_id, platform, family, outcome)`;
const lockCounters = `
  SELECT 1 FROM ${counters}
    JOIN publish_outcomes o USING (instance_id, publish_id, platform, family, outcome)
  ORDER BY instance_id, publish_id, platform, family, outcome FOR NO KEY UPDATE OF o`;
const makeCounters = `
  INSERT INTO publish_outcomes (instance_id, publish_id, platform, family, outcome, count)
  SELECT c.*, 0 FROM ${counters} ORDER BY instance_id, publish_id, platform, family, outcome
  ON CONFLICT (instance_id, publish_id, platform, family, outcome) DO NOTHING`;
const listSiblings = `
  SELECT r.instance_id, r.publish_id, r.device_number, r.kind, r.action, r.app_in_background AS "appInBackground",
    r.has_displayable_content AS "hasDisplayableContent"
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) AS c (instance_id, day, publish_id, device_number)
    JOIN reports r ON r.instance_id = c.instance_id AND r.day = c.day AND r.publish_id = c.publish_id
      AND r.device_number = c.device_number`;
const addToCounters = `
  UPDATE publish_outcomes o SET count = o.count + c.added
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    AS c (instance_id, publish_id, platform, family, outcome, added)
  WHERE o.instance_id = c.instance_id AND o.publish_id = c.publish_id AND o.platform = c.platform
    AND o.family = c.family AND o.outcome = c.outcome`;

const columns = (of: readonly Counter[]) =>
  [
    of.map(({ instanceId }) => instanceId),
    of.map(({ publishId }) => publishId),
    of.map(({ platform }) => platform),
    of.map(({ family }) => family),
    of.map(({ outcome }) => outcome),
  ] as const;

/** Counts devices by what they reported: each once a publish, whoever else counts at the same time. */
export async function countDevices(sql: Sql, inserted: readonly Inserted[]): Promise<void> {
  const candidates = toCandidates(inserted);
  if (candidates.length === 0) return;
  const all = [...new Map(candidates.map(({ counter }) => [keyOf(counter), counter])).values()];
  if ((await sql.all(lockCounters, columns(all))).length < all.length) {
    await sql.run(makeCounters, columns(inPairs(all)));
    await sql.all(lockCounters, columns(all));
  }
  // Whoever has counted one of these devices had the lock, and is seen now.
  const counted = await findCounted(sql, candidates);
  const added = Map.groupBy(
    candidates.filter((_, index) => !counted[index]).map(({ counter }) => counter),
    keyOf,
  );
  if (added.size === 0) return;
  const changed = [...added.values()].flatMap(([counter]) => counter ?? []);
  await sql.run(addToCounters, [...columns(changed), [...added.values()].map(({ length }) => length)]);
}

/**
 * Whoever needs `openable` needs `confirmed` too. Never is one of them made without the other: who holds the one that was
 * there, while making the other, could be waited for by who has made it and waits for the first.
 */
const inPairs = (counters: readonly Counter[]): readonly Counter[] =>
  counters
    .filter(({ outcome }) => outcome !== 'openable')
    .flatMap((counter) => (counter.outcome === 'confirmed' ? [counter, { ...counter, outcome: 'openable' }] : counter));

const siblingsKey = (instanceId: string, publishId: string, deviceNumber: number): string =>
  `${instanceId} ${publishId} ${deviceNumber}`;

function toCandidates(inserted: readonly Inserted[]): readonly Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const { report, receiver } of inserted) {
    const { instanceId, publishId, platform, kind, action = '' } = report;
    const { deviceNumber, address } = receiver;
    for (const outcome of countsOf(report)) {
      const key = `${siblingsKey(instanceId, publishId, deviceNumber)} ${outcome}`;
      let candidate = candidates.get(key);
      if (!candidate) {
        const family = platform === 'web' ? browserFamilyOf(address) : '';
        const counter = { instanceId, publishId, platform, family, outcome };
        candidate = { counter, day: uuidV7Day(publishId), deviceNumber, own: new Set() };
        candidates.set(key, candidate);
      }
      candidate.own.add(`${kind} ${action}`);
    }
  }
  return [...candidates.values()];
}

interface Sibling extends Omit<CountedReport, 'platform'> {
  instance_id: string;
  publish_id: string;
  device_number: number;
  action: string;
}

/** Of each candidate: whether another report has counted it. */
async function findCounted(sql: Sql, candidates: readonly Candidate[]): Promise<readonly boolean[]> {
  const keyed = candidates.map((candidate) => {
    const { counter, deviceNumber } = candidate;
    return [siblingsKey(counter.instanceId, counter.publishId, deviceNumber), candidate] as const;
  });
  const devices = [...new Map(keyed).values()];
  const rows = await sql.all<Sibling>(listSiblings, [
    devices.map(({ counter }) => counter.instanceId),
    devices.map(({ day }) => day),
    devices.map(({ counter }) => counter.publishId),
    devices.map(({ deviceNumber }) => deviceNumber),
  ]);
  const siblings = Map.groupBy(rows, (row) => siblingsKey(row.instance_id, row.publish_id, row.device_number));
  return keyed.map(([key, { counter, own }]) =>
    (siblings.get(key) ?? []).some(
      ({ action, ...report }) =>
        countsOf({ ...report, platform: counter.platform }).includes(counter.outcome) &&
        !own.has(`${report.kind} ${action}`),
    ),
  );
}

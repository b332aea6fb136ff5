import { transact } from './database.ts';
import type { OutboxItem } from './outbox-item.ts';
import { addToOutbox } from './outbox-item.ts';
import { settled } from './settled.ts';

/** What became of one publish in this browser. */
export interface NotificationRecord {
  /** As in `PusherMetadata`. */
  readonly publishId: string;
  /**
   * `received`, `showing` (the browser dies here: nobody knows whether it was seen), `open`, and the ways it can end. `hidden`:
   * not shown since the site had the focus.
   */
  readonly state: 'received' | 'showing' | 'open' | 'clicked' | 'dismissed' | 'closed' | 'replaced' | 'hidden';
  /** Made anew each time it is shown; a close event of an earlier time says nothing. */
  readonly showing?: string;
  /** What has been put into the outbox. */
  readonly told: readonly ('delivery' | 'displayed' | 'clicked' | 'dismissed')[];
  /** Milliseconds since 1970 of the last change. */
  readonly at: number;
}

type Changes = Partial<Omit<NotificationRecord, 'publishId' | 'at'>>;

// Longer than a push can wait for a browser: "time_to_live 0–2419200".
const maxAgeMs = 30 * 24 * 3_600_000;
const maxRecords = 500;

const lockName = (publishId: string): string => `pharos:notification:${publishId}`;

/** What happens to a notification happens one after the other, in the order asked for, in worker and pages alike. */
export const inTurn = <Result>(publishId: string, work: () => Promise<Result>): Promise<Result> =>
  navigator.locks.request(lockName(publishId), work) as Promise<Result>;

/**
 * Decides on what is known, and writes what follows, outbox included, in one transaction. Null: nothing changes.
 * Answers the record as it was.
 */
export function changeRecord(
  publishId: string,
  decide: (known: NotificationRecord | undefined) => { changes: Changes; items?: readonly OutboxItem[] } | null,
): Promise<NotificationRecord | undefined> {
  return transact(['notifications', 'outbox'], 'readwrite', async (store) => {
    const records = store('notifications');
    const known = (await settled(records.get(publishId))) as NotificationRecord | undefined;
    const decided = decide(known);
    if (!decided) return known;
    if (!known) await prune(records);
    const at = Date.now();
    await settled(records.put({ state: 'received', told: [], ...known, ...decided.changes, publishId, at }));
    await addToOutbox(store('outbox'), decided.items ?? []);
    return known;
  });
}

async function prune(records: IDBObjectStore): Promise<void> {
  const byAge = records.index('at');
  const old = await settled(byAge.getAllKeys(IDBKeyRange.upperBound(Date.now() - maxAgeMs)));
  const tooMany = (await settled(records.count())) - old.length - maxRecords + 1;
  const first = tooMany > 0 ? await settled(byAge.getAllKeys(null, old.length + tooMany)) : old;
  await Promise.all(first.map((key) => settled(records.delete(key))));
}

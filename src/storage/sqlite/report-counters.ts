import type { DatabaseSync } from 'node:sqlite';
import type { PublishKey } from '../../core/ports/publish-store.ts';
import type { Platform } from '../../protocol/ids.ts';
import type { ReportCount } from '../rows/report-counts.ts';
import { prepare } from './statement.ts';
import type { UndoLog } from './undo-log.ts';

interface Counter extends PublishKey {
  readonly platform: Platform;
  /** Of a browser; '' on phones. */
  readonly family: string;
  readonly outcome: ReportCount;
}

/** Reports of a transaction are about few publishes: what they add up to is written once, and not once a report. */
export interface ReportCounters {
  readonly add: (counter: Counter) => void;
  /** Before the transaction ends, and before anything deletes counters. */
  readonly write: () => void;
}

export function prepareReportCounters(db: DatabaseSync, undoLog: UndoLog): ReportCounters {
  const addToCount = prepare(
    db,
    `INSERT INTO publish_outcomes (instance_id, publish_id, platform, family, outcome, count) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (instance_id, publish_id, platform, family, outcome) DO UPDATE SET count = count + excluded.count`,
  );
  const pending = new Map<string, { readonly counter: Counter; count: number }>();
  return {
    add(counter) {
      const { publishId, platform, family, outcome } = counter;
      const key = `${publishId} ${platform} ${family} ${outcome}`;
      const entry = pending.get(key) ?? { counter, count: 0 };
      pending.set(key, entry);
      entry.count += 1;
      undoLog.note(() => (entry.count -= 1));
    },
    write() {
      if (pending.size === 0) return;
      const written = [...pending];
      pending.clear();
      undoLog.note(() => written.forEach(([key, entry]) => pending.set(key, entry)));
      for (const [, { counter, count }] of written) {
        const { instanceId, publishId, platform, family, outcome } = counter;
        if (count > 0) addToCount.run(instanceId, publishId, platform, family, outcome, count);
      }
    },
  };
}

import type { Subscriber } from './subscription-rules.ts';

/**
 * When the next message of a webhook is due. Without batches: now. With batches those that are written within its
 * waiting time are due together when that is over, or as soon as there are enough of them for one request. The counts
 * are kept in memory, and what is rolled back stays counted: then, and after a restart, a batch may be smaller or wait for
 * its time, never longer.
 */
export function createGathering(): (subscriber: Subscriber) => number {
  const gathered = new Map<string, { readonly endsAt: number; count: number }>();
  return ({ webhookId, batch }) => {
    const now = Date.now();
    if (!batch || batch.maxWaitMs === 0) return now;
    const known = gathered.get(webhookId);
    const isOpen = known && now < known.endsAt && known.endsAt <= now + batch.maxWaitMs;
    const batchOf = isOpen ? known : { endsAt: now + batch.maxWaitMs, count: 0 };
    gathered.set(webhookId, batchOf);
    batchOf.count += 1;
    if (batchOf.count < batch.maxEvents) return batchOf.endsAt;
    gathered.delete(webhookId);
    return now;
  };
}

export const queues = ['messages', 'ranges', 'deliveries'] as const;
export type Queue = (typeof queues)[number];

/**
 * What waits in a queue of the store. Counts cost no more as it grows: SQLite counts up to 1,000,000, PostgreSQL looks at a
 * sample of what is beyond some 20,000.
 */
export interface QueueSize {
  /** Its time has come and nobody has it. */
  readonly due: number;
  /** Its time has not come, or it is claimed. */
  readonly later: number;
  /** How long the item that waits longest is overdue; 0 when nothing is. */
  readonly oldestDueMs: number;
}

/** What there is to do. */
export interface StoreLoad {
  readonly queues: Readonly<Record<Queue, QueueSize>>;
  readonly disabledWebhooks: number;
  readonly runningReplays: number;
}

export interface QueueQueries {
  measureLoad(): Promise<StoreLoad>;
}

export const queues = ['messages', 'ranges', 'deliveries'] as const;
export type Queue = (typeof queues)[number];

/** What waits in a queue of the store. */
export interface QueueSize {
  /** Its time has come and nobody has it. Counted up to 1,000,000. */
  readonly due: number;
  /** Its time has not come, or it is claimed. Counted up to 1,000,000. */
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

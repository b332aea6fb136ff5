import type { AttemptRow } from './attempt-row.ts';
import type { MessageRow } from './message-row.ts';

/** An attempt with what it is filed under. */
export interface FiledAttemptRow extends AttemptRow {
  /** Of the message, or of its batch. */
  message_id: string;
  number: number;
}

/** Ids that the attempts of a message are filed under, each with the number of the last one that is its own. */
export function filesOf({
  id,
  batch_id: batchId,
  left_batches: leftBatches,
}: Pick<MessageRow, 'id' | 'batch_id' | 'left_batches'>): ReadonlyMap<string, number> {
  const own = [id, ...(batchId === null ? [] : [batchId])].map((key) => [key, Number.POSITIVE_INFINITY] as const);
  return new Map([...own, ...leftBatchesOf(leftBatches)]);
}

/** What `left_batches` holds: `id:number`, separated by blanks. */
const leftBatchesOf = (text: string | null): readonly (readonly [batchId: string, attempts: number])[] =>
  (text ?? '')
    .split(' ')
    .filter(Boolean)
    .map((part) => {
      const [batchId = '', attempts] = part.split(':');
      return [batchId, Number(attempts)] as const;
    });

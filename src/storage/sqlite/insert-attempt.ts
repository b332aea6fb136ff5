import type { DatabaseSync } from 'node:sqlite';
import { uuidV7Day } from '../../protocol/ids.ts';
import type { AttemptValues } from '../rows/attempt-row.ts';
import { attemptColumns, withoutResponse } from '../rows/attempt-row.ts';
import { prepare } from './statement.ts';

export interface AttemptKey {
  readonly instanceId: string;
  /** Of the message, or of the batch that it was sent in. */
  readonly id: string;
  readonly number: number;
  /** Then nothing is kept of the response. */
  readonly aboutErasedUser: boolean;
}

export function prepareInsertAttempt(db: DatabaseSync): (key: AttemptKey, attempt: AttemptValues) => void {
  const insert = prepare(
    db,
    `INSERT INTO attempts (instance_id, day, message_id, number, ${attemptColumns})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(?))`,
  );
  return ({ instanceId, id, number, aboutErasedUser }, attempt) => {
    insert.run(instanceId, uuidV7Day(id), id, number, ...(aboutErasedUser ? withoutResponse(attempt) : attempt));
  };
}

import type { DatabaseSync } from 'node:sqlite';
import type { AttemptRecord } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { prepare } from './statement.ts';

export interface AttemptKey {
  readonly instanceId: string;
  /** Of the message, or of the batch that it was sent in. */
  readonly id: string;
  readonly number: number;
  /** Targets may answer with what they were told: of people who were erased nothing is kept. */
  readonly aboutErasedUser: boolean;
}

export function prepareInsertAttempt(db: DatabaseSync): (key: AttemptKey, attempt: AttemptRecord) => void {
  const insert = prepare(
    db,
    `INSERT INTO attempts (instance_id, day, message_id, number, started_at, duration_ms, status, error, address,
       response_headers, response_body, request_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return ({ instanceId, id, number, aboutErasedUser }, attempt) => {
    const { startedAt, durationMs, status, error, address, responseHeaders, responseBody, requestHash } = attempt;
    insert.run(
      ...[instanceId, uuidV7Day(id), id, number, startedAt, durationMs, status, error, address],
      ...(aboutErasedUser
        ? [null, null, null]
        : [responseHeaders && JSON.stringify(responseHeaders), responseBody, requestHash]),
    );
  };
}

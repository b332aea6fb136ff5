import type { AttemptRecord } from '../../core/ports/message-store.ts';
import { uuidV7Day } from '../../protocol/ids.ts';
import { attemptColumns, fromAttempt } from '../rows/attempt-row.ts';
import type { Sql } from './database.ts';

export interface NewAttempt {
  readonly instanceId: string;
  /** Of the message, or of the batch that it was sent in. */
  readonly id: string;
  readonly number: number;
  readonly attempt: AttemptRecord;
  /** Then nothing is kept of the response. */
  readonly aboutErasedUser: boolean;
}

const insert = `
  INSERT INTO attempts (instance_id, day, message_id, number, ${attemptColumns})
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[])`;

export async function insertAttempts(sql: Sql, attempts: readonly NewAttempt[]): Promise<void> {
  if (attempts.length === 0) return;
  const columns = attempts.map(({ attempt, aboutErasedUser }) => fromAttempt(attempt, aboutErasedUser));
  await sql.run(insert, [
    attempts.map(({ instanceId }) => instanceId),
    attempts.map(({ id }) => uuidV7Day(id)),
    attempts.map(({ id }) => id),
    attempts.map(({ number }) => number),
    columns.map(([startedAt]) => startedAt),
    columns.map(([, durationMs]) => durationMs),
    columns.map(([, , status]) => status),
    columns.map(([, , , error]) => error),
    columns.map(([, , , , address]) => address),
    columns.map(([, , , , , responseHeaders]) => responseHeaders),
    columns.map(([, , , , , , responseBody]) => responseBody),
    columns.map(([, , , , , , , requestHash]) => requestHash && Buffer.from(requestHash, 'hex')),
  ]);
}

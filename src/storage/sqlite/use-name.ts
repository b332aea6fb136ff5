import type { DatabaseSync } from 'node:sqlite';
import type { Statement } from './statement.ts';
import { prepare } from './statement.ts';

/**
 * Number of a name; values: instance, name, today. Claimed names stand where users' names stand, so that erasing a user
 * erases them too.
 */
export const prepareUseName = (db: DatabaseSync): Statement<{ number: number }> =>
  prepare(
    db,
    `INSERT INTO users (instance_id, name, last_used_day) VALUES (?, ?, ?)
     ON CONFLICT (instance_id, name) WHERE name IS NOT NULL
     DO UPDATE SET last_used_day = max(last_used_day, excluded.last_used_day) RETURNING number`,
  );

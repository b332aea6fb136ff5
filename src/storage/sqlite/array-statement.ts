import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { preparedOnce } from './statement.ts';

/** A prepared statement that answers rows as arrays of their columns: an object for each costs as much as reading it. */
export type ArrayStatement<Row> = (...values: readonly SQLInputValue[]) => readonly Row[];

/** `Row` is what the SQL selects; nothing checks it. */
export function prepareForArrays<Row>(db: DatabaseSync, sql: string): ArrayStatement<Row> {
  const statement = db.prepare(preparedOnce(sql));
  statement.setReturnArrays(true);
  return (...values) => statement.all(...values) as unknown as readonly Row[];
}

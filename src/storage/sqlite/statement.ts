import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

/** A prepared statement whose rows have a known shape. */
export interface Statement<Row> {
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  /** Answers how many rows were changed. */
  run(...values: SQLInputValue[]): number;
}

/** SQLite compiles a statement anew whenever its LIMIT is bound, to plan for the number; not when that is an expression. */
export const preparedOnce = (sql: string): string => sql.replaceAll(/\bLIMIT (?=\?)/g, 'LIMIT +');

/** `Row` is what the SQL selects; nothing checks it. */
export function prepare<Row>(db: DatabaseSync, sql: string): Statement<Row> {
  const statement = db.prepare(preparedOnce(sql));
  return {
    get: (...values) => statement.get(...values) as Row | undefined,
    all: (...values) => statement.all(...values) as Row[],
    run: (...values) => Number(statement.run(...values).changes),
  };
}

/**
 * Loaded before the server: kills the process at the n-th commit of a transaction that wrote to a table, `when=before`
 * or `when=after` that commit, or `when=during` the first transaction that does, at once after it wrote there. The calls
 * of SQLite and of PostgreSQL's client are watched, so the server runs as it always does.
 */
/* oxlint-disable typescript/unbound-method -- what is replaced is called with the `this` of the call */
import { DatabaseSync, StatementSync } from 'node:sqlite';
import pg from 'pg';

const { searchParams } = new URL(import.meta.url);
const table = searchParams.get('table');
const when = searchParams.get('when');
let remaining = Number(searchParams.get('nth') ?? 1);
const words = `(INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE)\\s+${table}\\b`;
const writes = new RegExp(`^\\s*${words}`, 'm');

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a killed process went on');
};

const sqlOf = new WeakMap<StatementSync, string>();
let touched = false;
const touch = (): void => {
  if (when === 'during') die();
  touched = true;
};

const { prepare, exec } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
  const statement = prepare.call(this, sql, ...rest);
  sqlOf.set(statement, sql);
  return statement;
};
type Call<Result> = (this: StatementSync, ...values: unknown[]) => Result;
const run = StatementSync.prototype.run as Call<{ readonly changes: number | bigint }>;
const get = StatementSync.prototype.get as Call<unknown>;
StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
  const result = run.apply(this, values);
  if (Number(result.changes) > 0 && writes.test(sqlOf.get(this) ?? '')) touch();
  return result;
} as typeof StatementSync.prototype.run;
// Of what answers rows, only a writing statement with RETURNING passes the test.
StatementSync.prototype.get = function (this: StatementSync, ...values: unknown[]) {
  const row = get.apply(this, values);
  if (row !== undefined && writes.test(sqlOf.get(this) ?? '')) touch();
  return row;
} as typeof StatementSync.prototype.get;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  if (sql.startsWith('BEGIN')) touched = false;
  const ends = sql === 'COMMIT' && touched && --remaining === 0;
  if (ends && when === 'before') die();
  exec.call(this, sql);
  if (ends) die();
  if (writes.test(sql)) touch();
};

type Query = (
  this: pg.Client,
  query: string | pg.QueryConfig,
  ...more: unknown[]
) => Promise<pg.QueryResult | undefined>;
const query = pg.Client.prototype.query as unknown as Query;
/** Also in the middle of a statement. */
const writesSomewhere = new RegExp(`\\b${words}`);
const drops = new RegExp(`^DROP TABLE ${table}$`);
const touchedBy = new WeakSet<pg.Client>();
pg.Client.prototype.query = async function (this: pg.Client, asked: string | pg.QueryConfig, ...more: unknown[]) {
  const text = typeof asked === 'string' ? asked : asked.text;
  if (text.startsWith('BEGIN')) touchedBy.delete(this);
  const ends = text === 'COMMIT' && touchedBy.has(this) && --remaining === 0;
  if (ends && when === 'before') die();
  const result = await query.call(this, asked, ...more);
  if (ends) die();
  if (drops.test(text) || (Number(result?.rowCount) > 0 && writesSomewhere.test(text))) {
    if (when === 'during') die();
    touchedBy.add(this);
  }
  return result;
} as typeof pg.Client.prototype.query;

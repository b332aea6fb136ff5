import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Sql } from '../postgres/database.ts';
import type { CopiedTable } from './copied-tables.ts';

export type Value = string | number | boolean | Uint8Array | null;
/** Values in the order of the table's columns. */
export type Row = readonly Value[];

export interface Column {
  readonly name: string;
  /** Of PostgreSQL, such as `uuid`. */
  readonly type: string;
}

/** A table as PostgreSQL has it. */
export interface TableShape {
  readonly columns: readonly Column[];
  /** Of its primary key, in order. */
  readonly key: readonly string[];
}

const listColumns = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute a
  WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;
const listKey = `
  SELECT a.attname AS name FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.place`;

export async function readShape(sql: Sql, table: string): Promise<TableShape> {
  const columns = await sql.all<Column>(listColumns, [table]);
  const key = await sql.all<{ name: string }>(listKey, [table]);
  return { columns, key: key.map(({ name }) => name) };
}

/** What a row stands behind, as JSON can have it. */
export type Key = readonly (string | number | boolean)[];

/** Reads rows in the order of their keys. */
export interface RowReader {
  /** Rows after a key; null: from the first. */
  read(after: Key | null, limit: number): Promise<readonly Row[]>;
  keyOf(row: Row): Key;
}

/** Rows of an SQLite database, as PostgreSQL is to have them. */
export function readFromSqlite(db: DatabaseSync, table: CopiedTable, shape: TableShape, now: number): RowReader {
  const { name, from = { table: name, where: 'true', key: shape.key }, columns = {} } = table;
  const selected = shape.columns.map((column) => `${columns[column.name] ?? column.name} AS "${column.name}"`);
  const select = `SELECT ${selected.join(', ')} FROM ${from.table} WHERE ${from.where}`;
  const names = from.key.map((column) => `${from.table}.${column}`).join(', ');
  const order = `ORDER BY ${names} LIMIT :limit`;
  const first = db.prepare(`${select} ${order}`);
  const next = db.prepare(
    `${select} AND (${names}) > (${from.key.map((_, index) => `:key${index}`).join(', ')}) ${order}`,
  );
  const targetOf = (column: string) => Object.entries(columns).find(([, source]) => source === column)?.[0] ?? column;
  const takesNow = select.includes(':now');
  return {
    keyOf: createKeyOf(shape, from.key.map(targetOf)),
    async read(after, limit) {
      const values: Record<string, SQLInputValue> = { limit };
      if (takesNow) values['now'] = now;
      for (const [index, value] of (after ?? []).entries()) values[`key${index}`] = value as string | number;
      const rows = (after ? next : first).all(values);
      return rows.map((row) => shape.columns.map((column) => toValue(row[column.name] ?? null, column.type)));
    },
  };
}

const toValue = (value: unknown, type: string): Value => {
  if (value === null) return null;
  if (type === 'boolean') return value === 1;
  // As the database's connection writes it.
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  if (typeof value === 'number' || value instanceof Uint8Array) return value;
  throw new Error(`a value of SQLite that no column of PostgreSQL has: ${typeof value}`);
};

function createKeyOf(shape: TableShape, key: readonly string[]): RowReader['keyOf'] {
  const places = key.map((name) => shape.columns.findIndex((column) => column.name === name));
  return (row) =>
    places.map((place) => {
      const value = row[place];
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
      throw new Error(`no key of a row: ${key.join(', ')}`);
    });
}

export function readFromPostgres(sql: Sql, { name }: CopiedTable, shape: TableShape): RowReader {
  const order = `ORDER BY ${shape.key.join(', ')} LIMIT $1`;
  const after = `(${shape.key.join(', ')}) > (${shape.key.map((_, index) => `$${index + 2}`).join(', ')})`;
  const select = `SELECT ${shape.columns.map((column) => `"${column.name}"`).join(', ')} FROM ${name}`;
  return {
    keyOf: createKeyOf(shape, shape.key),
    async read(key, limit) {
      const statement = key ? `${select} WHERE ${after} ${order}` : `${select} ${order}`;
      const rows = await sql.all<Record<string, Value>>(statement, [limit, ...(key ?? [])]);
      return rows.map((row) => shape.columns.map((column) => row[column.name] ?? null));
    },
  };
}

import type { SealedCommands, SealedQueries, SealedValue } from '../../core/ports/sealed-store.ts';
import type { SealedTable } from '../rows/sealed-columns.ts';
import {
  columnNameOf,
  instanceColumnOf,
  rowIdColumnOf,
  sealedColumnsOf,
  sealedTables,
} from '../rows/sealed-columns.ts';
import { leastUuid } from '../rows/uuid-bounds.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { each } from './handlers.ts';

/** Rows read by a query: few enough for the queries behind it, although bodies may have to be read. */
const rowsAtATime = 200;

const updates = new Map(
  sealedTables.flatMap((table) =>
    sealedColumnsOf[table].map((column) => {
      const name = columnNameOf(column);
      return [
        column,
        `UPDATE ${table} SET ${name} = $1
         WHERE ${instanceColumnOf(table)} = $2 AND ${rowIdColumnOf(table)} = $3 AND ${name} = $4`,
      ] as const;
    }),
  ),
);

export const sealedCommands: CommandHandlers<SealedCommands> = {
  reseal: each(async (sql, { place: { instanceId, rowId, column }, sealed, resealed }) => {
    const update = updates.get(column);
    if (!update) throw new Error(`not a sealed column: ${column}`);
    return (await sql.run(update, [resealed, instanceId, rowId, sealed])) === 1 ? 'resealed' : 'changed';
  }),
};

interface Row {
  readonly instance_id: string;
  readonly row_id: string;
  readonly [column: string]: Uint8Array | string | null;
}

/** In the order of their keys, after one. What begins as it should is not sent. */
function selectFrom(table: SealedTable): string {
  const [instanceId, rowId] = [instanceColumnOf(table), rowIdColumnOf(table)];
  const columns = sealedColumnsOf[table].map((column) => {
    const name = columnNameOf(column);
    return `CASE WHEN substr(${name}, 1, octet_length($1::bytea)) <> $1::bytea THEN ${name} END AS ${name}`;
  });
  return `SELECT ${instanceId} AS instance_id, ${rowId}::text AS row_id, ${columns.join(', ')}
    FROM ${table} WHERE (${instanceId}, ${rowId}) > ($2, $3) ORDER BY ${instanceId}, ${rowId} LIMIT ${rowsAtATime}`;
}

const beginningOf = (table: SealedTable): string => (table === 'gateway_credentials' ? '' : leastUuid);

export const sealedQueries: QueryHandlers<SealedQueries> = {
  /** A cursor is `number of the table:instance:row`, or the number alone at its beginning. */
  listSealed: async (sql, { notBeginningWith, cursor }) => {
    const [tableText = '0', afterInstance, afterRow] = cursor === null ? [] : cursor.split(':');
    const tableIndex = Number(tableText);
    const table = sealedTables[tableIndex];
    if (!table) throw new Error(`not a cursor of sealed values: ${cursor}`);
    const rows = await sql.all<Row>(selectFrom(table), [
      notBeginningWith,
      afterInstance ?? leastUuid,
      afterRow ?? beginningOf(table),
    ]);
    const values = rows.flatMap((row) =>
      sealedColumnsOf[table].flatMap((column): SealedValue[] => {
        const sealed = row[columnNameOf(column)];
        if (!(sealed instanceof Uint8Array)) return [];
        return [{ place: { instanceId: row.instance_id, rowId: row.row_id, column }, sealed }];
      }),
    );
    const last = rows.at(-1);
    const nextTable = tableIndex + 1 < sealedTables.length ? String(tableIndex + 1) : null;
    const isAll = rows.length < rowsAtATime || !last;
    return { values, next: isAll ? nextTable : `${tableIndex}:${last.instance_id}:${last.row_id}` };
  },
};

import type { DatabaseSync } from 'node:sqlite';
import type { SealedCommands, SealedQueries, SealedValue } from '../../core/ports/sealed-store.ts';
import {
  columnNameOf,
  instanceColumnOf,
  rowIdColumnOf,
  sealedColumnsOf,
  sealedTables,
} from '../rows/sealed-columns.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

/** Rows read by a query: few enough for the queries behind it, although bodies may have to be read. */
const rowsAtATime = 200;

export function prepareSealedCommands(db: DatabaseSync): CommandHandlers<SealedCommands> {
  const updates = new Map(
    sealedTables.flatMap((table) =>
      sealedColumnsOf[table].map((column) => {
        const name = columnNameOf(column);
        const sql = `UPDATE ${table} SET ${name} = ? WHERE ${instanceColumnOf(table)} = ? AND ${rowIdColumnOf(table)} = ? AND ${name} = ?`;
        return [column, prepare(db, sql)] as const;
      }),
    ),
  );
  return {
    reseal: ({ place: { instanceId, rowId, column }, sealed, resealed }) =>
      updates.get(column)?.run(resealed, instanceId, rowId, sealed) === 1 ? 'resealed' : 'changed',
  };
}

export function prepareSealedQueries(db: DatabaseSync): QueryHandlers<SealedQueries> {
  interface Row {
    readonly place: number;
    readonly instance_id: string;
    readonly id: string;
    readonly [column: string]: Uint8Array | string | number | null;
  }
  // By rowid: the cheapest order, and new rows come last in it.
  const reads = sealedTables.map((table) => {
    const names = sealedColumnsOf[table].map(columnNameOf).join(', ');
    const sql = `SELECT rowid AS place, ${instanceColumnOf(table)} AS instance_id, ${rowIdColumnOf(table)} AS id, ${names} FROM ${table}
      WHERE rowid > ? ORDER BY rowid LIMIT ${rowsAtATime}`;
    return { table, read: prepare<Row>(db, sql) };
  });

  return {
    listSealed: ({ notBeginningWith, cursor }) => {
      const [tableIndex = 0, after = 0] = cursor === null ? [] : cursor.split(':').map(Number);
      const current = reads[tableIndex];
      if (!current) throw new Error(`not a cursor of sealed values: ${cursor}`);
      const rows = current.read.all(after);
      const begins = (sealed: Uint8Array): boolean => notBeginningWith.every((byte, index) => sealed[index] === byte);
      const values = rows.flatMap((row) =>
        sealedColumnsOf[current.table].flatMap((column): SealedValue[] => {
          const sealed = row[columnNameOf(column)];
          if (!(sealed instanceof Uint8Array) || begins(sealed)) return [];
          return [{ place: { instanceId: row.instance_id, rowId: row.id, column }, sealed }];
        }),
      );
      const last = rows.at(-1);
      const nextTable = tableIndex + 1 < reads.length ? `${tableIndex + 1}:0` : null;
      return { values, next: rows.length === rowsAtATime && last ? `${tableIndex}:${last.place}` : nextTable };
    },
  };
}

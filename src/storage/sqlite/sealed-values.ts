import type { DatabaseSync } from 'node:sqlite';
import type { SealedCommands, SealedQueries, SealedValue } from '../../core/ports/sealed-store.ts';
import type { SealedPlace } from '../../core/ports/sealer.ts';
import type { CommandHandlers, QueryHandlers } from './handlers.ts';
import { prepare } from './statement.ts';

/** Tables with sealed columns, in the order in which they are read. */
const tables = ['instances', 'webhooks', 'gateway_credentials', 'publishes'] as const;
type Table = (typeof tables)[number];

const columnsOf: Readonly<Record<Table, readonly SealedPlace['column'][]>> = {
  instances: ['instances.secret_key', 'instances.previous_secret_key', 'instances.vapid_private_key'],
  webhooks: ['webhooks.url', 'webhooks.secret', 'webhooks.previous_secret', 'webhooks.signing_key', 'webhooks.headers'],
  gateway_credentials: ['gateway_credentials.credentials'],
  publishes: ['publishes.body'],
};
const nameOf = (column: SealedPlace['column']): string => column.slice(column.indexOf('.') + 1);
const instanceOf = (table: Table): string => (table === 'instances' ? 'id' : 'instance_id');
const rowIdOf = (table: Table): string => (table === 'gateway_credentials' ? 'platform' : 'id');

/** Rows read by a query: few enough for the queries behind it, although bodies may have to be read. */
const rowsAtATime = 200;

export function prepareSealedCommands(db: DatabaseSync): CommandHandlers<SealedCommands> {
  const updates = new Map(
    tables.flatMap((table) =>
      columnsOf[table].map((column) => {
        const name = nameOf(column);
        const sql = `UPDATE ${table} SET ${name} = ? WHERE ${instanceOf(table)} = ? AND ${rowIdOf(table)} = ? AND ${name} = ?`;
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
  const reads = tables.map((table) => {
    const names = columnsOf[table].map(nameOf).join(', ');
    const sql = `SELECT rowid AS place, ${instanceOf(table)} AS instance_id, ${rowIdOf(table)} AS id, ${names} FROM ${table}
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
        columnsOf[current.table].flatMap((column): SealedValue[] => {
          const sealed = row[nameOf(column)];
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

import { createHash } from 'node:crypto';
import type { Key, RowReader, Value } from './row-reader.ts';

const rowsAtATime = 2_000;

export interface TableDigest {
  readonly rows: number;
  /** SHA-256 of all rows in the order of their keys. */
  readonly sha256: string;
}

export async function digestTable(reader: RowReader): Promise<TableDigest> {
  const hash = createHash('sha256');
  let count = 0;
  let after: Key | null = null;
  for (;;) {
    const rows = await reader.read(after, rowsAtATime);
    for (const row of rows) hash.update(`${JSON.stringify(row.map(toJson))}\n`);
    count += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < rowsAtATime) return { rows: count, sha256: hash.digest('hex') };
    after = reader.keyOf(last);
  }
}

const toJson = (value: Value) => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value);

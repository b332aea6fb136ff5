import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { prepareReadAudiencePage } from '../src/storage/sqlite/audience.ts';
import { median } from './median.ts';

const pageSize = 100;

/**
 * Reads an audience page by page and counts the rows that its statements give back. They read no others: each is one walk
 * along an index in its order, or one search a row: `EXPLAIN QUERY PLAN` shows neither a scan nor a sort.
 */
export function readPages(file: string, instanceId: string, interests: readonly string[]) {
  let rows = 0;
  const db = new DatabaseSync(file, { readOnly: true });
  const counting = new Proxy(db, {
    get: (target, name) =>
      name === 'prepare' ? (sql: string) => counted(target, sql, (read) => (rows += read)) : Reflect.get(target, name),
  });
  const read = prepareReadAudiencePage(counting);
  const range = {
    instanceId,
    publishId: randomUUID(),
    audience: { kind: 'interests', interests },
    platforms: ['web'],
    end: { user: 0, device: Number.MAX_SAFE_INTEGER },
  } as const;
  const times: number[] = [];
  let mostRows = 0;
  let cursor: { user: number; device: number } | null = { user: 0, device: 0 };
  while (cursor) {
    rows = 0;
    const startedAt = performance.now();
    cursor = read(range, cursor, pageSize).next;
    times.push(performance.now() - startedAt);
    mostRows = Math.max(mostRows, rows);
  }
  db.close();
  const tenth = Math.ceil(times.length / 10);
  const lastAgainstFirst = median(times.slice(-tenth)) / median(times.slice(0, tenth));
  return { pages: times.length, pageSize, mostRows, lastAgainstFirst };
}

function counted(db: DatabaseSync, sql: string, add: (rows: number) => void) {
  const statement = db.prepare(sql);
  let isChecked = false;
  return {
    all: (...values: Parameters<typeof statement.all>) => {
      if (!isChecked) expectSearches(db, sql);
      isChecked = true;
      const found = statement.all(...values);
      add(found.length);
      return found;
    },
    get: statement.get.bind(statement),
    run: statement.run.bind(statement),
  };
}

function expectSearches(db: DatabaseSync, sql: string): void {
  const plan = db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
  const costly = plan.find((step) => /TEMP B-TREE|^SCAN (?!.*VIRTUAL TABLE)/.test(step));
  if (costly) throw new Error(`reads more than it gives back: ${costly}`);
}

import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { prepareDevicePageCommands, prepareDevicePageQueries } from './device-page.ts';
import { migrate } from './migrate.ts';
import { prepareFindByTags } from './tags.ts';
import { prepareTombstone } from './tombstone.ts';

test('no statement walks along all tags of an instance', () => {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  migrate(db);
  const statements = new Set<string>();
  const recording = new Proxy(db, {
    get: (target, name) =>
      name === 'prepare' ? (sql: string) => (statements.add(sql), target.prepare(sql)) : undefined,
  });
  prepareDevicePageCommands(recording);
  prepareDevicePageQueries(recording);
  prepareFindByTags(recording);
  prepareTombstone(recording);
  const plans = [...statements]
    .filter((sql) => sql.includes('device_tags') && !sql.startsWith('INSERT'))
    .map((sql) => [
      sql,
      db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
        .join(),
    ]);
  expect(plans.length).toBeGreaterThan(5);
  for (const plan of plans)
    expect(plan).toEqual([plan[0], expect.stringMatching(/^SEARCH .*\(instance_id=\? AND (device_number|key)=\?/)]);
});

import { expect, onTestFinished, test } from 'vitest';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { Database } from './database.ts';
import { queueQueries } from './queue-sizes.ts';

test('a queue is counted, and a large one estimated from a part of it', async () => {
  const testDatabase = await createMigratedDatabase();
  const database = new Database({ url: testDatabase.url, maxConnections: 1, preparedStatements: true });
  onTestFinished(async () => {
    await database.close();
    await testDatabase.drop();
  });
  const { sql } = database;
  const instanceId = '00000000-0000-4000-8000-000000000001';
  /** One in four is due. */
  const add = (from: number, to: number) =>
    sql.run(
      `INSERT INTO message_queue (instance_id, target, day, message_id, due_at, tries)
       SELECT $1, 'url:x', 1, gen_random_uuid(), pharos_now() + CASE WHEN n % 4 = 0 THEN -5000 ELSE 60000 END, 0
       FROM generate_series($2::int, $3::int) AS n`,
      [instanceId, from, to],
    );
  const measure = async () =>
    (await database.transaction((inside) => queueQueries.measureLoad(inside))).queues.messages;
  expect(await measure()).toEqual({ due: 0, later: 0, oldestDueMs: 0 });
  await add(1, 4_000);
  expect(await measure()).toMatchObject({ due: 1_000, later: 3_000 });
  await add(4_001, 80_000);
  const { due, later, oldestDueMs } = await measure();
  expect(Math.abs(due + later - 80_000)).toBeLessThan(40_000);
  expect(Math.abs(due / (due + later) - 0.25)).toBeLessThan(0.1);
  expect(oldestDueMs).toBeGreaterThanOrEqual(5_000);
});

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Pgbouncer } from '../../../test/support/pgbouncer.ts';
import { startPgbouncer } from '../../../test/support/pgbouncer.ts';
import { createMigratedDatabase, createTestDatabase } from '../../../test/support/postgres.ts';
import { askForPostgres } from '../../../test/support/postgres-on-demand.ts';
import type { TestDatabase } from '../../../test/support/postgres.ts';
import { createInstance } from '../testsuite/fixtures.ts';
import { batchesSuite } from '../testsuite/batches.testsuite.ts';
import { messagesSuite } from '../testsuite/messages.testsuite.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

// Debian's PgBouncer (1.18) keeps no prepared statements, and in transaction mode each transaction is somebody else's session.

let pgbouncer: Pgbouncer;

beforeAll(async () => {
  pgbouncer = await startPgbouncer(await askForPostgres());
});
afterAll(() => pgbouncer.stop());

/** Several stores have more connections than PgBouncer has. */
async function openThrough(database: TestDatabase, count = 1) {
  const url = pgbouncer.urlOf(database.url);
  const stores = await Promise.all(
    Array.from({ length: count }, () => openPostgresStore({ sealer: testSealer, url, preparedStatements: false })),
  );
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database.drop();
  });
  return stores;
}

describe('through PgBouncer in transaction mode', () => {
  test('nodes start at once on an empty database, and work on more connections than it has', async () => {
    const stores = await openThrough(await createTestDatabase(), 3);
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, index) => createInstance(stores[index % 3] as (typeof stores)[0])),
    );
    const lists = await Promise.all(stores.map((store) => store.listInstances({ after: null, limit: 100 })));
    for (const list of lists) expect(new Set(list.map(({ id }) => id))).toEqual(new Set(ids));
  });

  const open = async () => {
    const [store] = await openThrough(await createMigratedDatabase());
    if (!store) throw new Error('there is no store');
    return store;
  };
  batchesSuite(open);
  messagesSuite(open);
});

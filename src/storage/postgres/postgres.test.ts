import { describe, onTestFinished } from 'vitest';
import { olderTransactionsEnd } from '../../../test/support/older-transactions.ts';
import { createMigratedDatabase } from '../../../test/support/postgres.ts';
import { storeSuite } from '../testsuite/store.testsuite.ts';
import { openPostgresStore } from './open-postgres-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

describe('PostgreSQL', () => {
  storeSuite(async () => {
    const database = await createMigratedDatabase();
    const store = await openPostgresStore({ sealer: testSealer, url: database.url });
    onTestFinished(async () => {
      await store.close();
      await database.drop();
    });
    return {
      ...store,
      async readFeed(query) {
        await olderTransactionsEnd(database.url);
        return store.readFeed(query);
      },
    };
  });
});

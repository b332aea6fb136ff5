import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { storeSuite } from '../testsuite/store.testsuite.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { testSealer } from '../testsuite/test-sealer.ts';

describe('SQLite in memory', () => {
  storeSuite(async () => {
    const store = await openSqliteStore({ sealer: testSealer, file: ':memory:' });
    onTestFinished(() => store.close());
    return store;
  });
});

describe('SQLite on disk', () => {
  storeSuite(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pharos-store-'));
    const store = await openSqliteStore({ sealer: testSealer, file: path.join(folder, 'pharos.db') });
    onTestFinished(async () => {
      await store.close();
      await rm(folder, { recursive: true });
    });
    return store;
  });
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/suites/longest-first.ts';

const processTests = 'test/{process,clients,faults,package}/**/*.test.ts';
const browserTests = 'test/browser/**/*.test.ts';

/** Of one storage alone, whatever the run stores in: clusters of PostgreSQL; SQLite's file, its disk and its lock. */
const testsOfOtherStorage =
  process.env['PHAROS_TEST_STORAGE'] === 'postgres'
    ? ['test/faults/{full-disk,lock-storm,migration,sync-proof,upgrade-sqlite}.test.ts']
    : ['test/faults/{cluster,partition,upgrade}.test.ts'];

/** By `scripts/test.ts`, where another suite runs them: a project's `exclude` goes before vitest's `--exclude`. */
const leftOut = process.env['PHAROS_TESTS_LEFT_OUT']?.split(' ') ?? [];

/** Starts of Node cost half as much with it, and there are hundreds: workers, servers, threads. */
process.env['NODE_COMPILE_CACHE'] = fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));
if (process.versions.node.startsWith('22.')) {
  const preload = `--import=${new URL('test/support/strip-once.mjs', import.meta.url).href}`;
  process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], preload].filter(Boolean).join(' ');
}

export default defineConfig({
  // Limits are for tests that hang: a machine that is busy with something else takes many times as long.
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/support/postgres-setup.ts',
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // All that no other project runs, so that no test is forgotten.
          include: ['{src,test,scripts,bench,demo}/**/*.test.ts'],
          exclude: [processTests, browserTests, ...leftOut],
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: [processTests, 'test/house/node-version.test.ts'],
          exclude: [...testsOfOtherStorage, ...leftOut],
          globalSetup: ['test/support/postgres-setup.ts', 'test/process/setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: [browserTests, 'test/house/node-version.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts', 'test/browser/setup.ts'],
          // Browsers have races of their own, and scripts/test.ts tells who needed it. Never for the others: a lost message is lost.
          retry: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});

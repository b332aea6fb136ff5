import { defineConfig } from 'vitest/config';

const processTests = 'test/{process,clients,faults,package}/**/*.test.ts';
const browserTests = 'test/browser/**/*.test.ts';

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // All that no other project runs, so that no test is forgotten.
          include: ['{src,test,scripts,bench,demo}/**/*.test.ts'],
          exclude: [processTests, browserTests],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: [processTests, 'test/house/node-version.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: [browserTests, 'test/house/node-version.test.ts'],
          globalSetup: 'test/browser/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

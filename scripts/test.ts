/** Runs every suite, three at a time, and ends with what failed, a table of minutes and the line `N passed, N failed`. */
import { offerPostgres } from '../test/support/postgres-on-demand.ts';
import { commandSuite } from './suites/command-suite.ts';
import { browserTestsWithServer } from './suites/browser-tests-with-server.ts';
import type { SuiteResult } from './suites/suite-result.ts';
import { vitestSuite } from './suites/vitest-suite.ts';

const tsc = 'node_modules/typescript/bin/tsc';
const nodeVersion = 'test/house/node-version';
/** In the order in which they begin. Two that wait more than they work come first, so that others work meanwhile. */
const suites = [
  // Where a process was killed, the next one waits for leases to end.
  vitestSuite('process', 22, 'postgres', { leftOut: ['test/package/web.test.ts'] }),
  // Browsers start and click in real time: two at once on two cores would only wait for each other.
  vitestSuite('browser', 24, 'sqlite', { options: ['--maxWorkers=1'] }),
  commandSuite('checks', {
    format: ['node_modules/oxfmt/bin/oxfmt', '--check'],
    lint: ['node_modules/oxlint/bin/oxlint'],
    'types for Node': [tsc, '-p', 'tsconfig.json'],
    'types for pages': [tsc, '-p', 'tsconfig.page.json'],
    'types for the worker': [tsc, '-p', 'tsconfig.worker.json'],
    'unused code': ['node_modules/knip/bin/knip.js'],
  }),
  // PostgreSQL's adapter by itself is tested with the others that use it; SQLite's on both Nodes, which bring SQLite along.
  vitestSuite('unit', 24, 'sqlite', { leftOut: ['src/storage/postgres/**'] }),
  vitestSuite('process', 24, 'sqlite'),
  // What is said of the sources is said once.
  vitestSuite('unit', 22, 'postgres', { leftOut: ['test/house/{environments,releases,walls}.test.ts'] }),
  // Where browsers only meet a stand-in for the server, nothing is stored.
  vitestSuite('browser', 24, 'postgres', {
    options: ['--maxWorkers=1', ...browserTestsWithServer(), nodeVersion],
  }),
  commandSuite('demo', { demo: ['demo/main.ts'] }),
];

const results: { name: string; minutes: number; result: SuiteResult }[] = [];
const waiting = [...suites];
const startedAt = performance.now();
const minutesSince = (start: number): number => (performance.now() - start) / 60_000;

async function runSuites(): Promise<void> {
  for (let suite = waiting.shift(); suite; suite = waiting.shift()) {
    console.log(`\n=== ${suite.name} ===`);
    const suiteStartedAt = performance.now();
    const result = await suite.run();
    results.push({ name: suite.name, minutes: minutesSince(suiteStartedAt), result });
  }
}

// Two suites leave a quarter of two cores idle: much of it is waiting, for browsers and leases above all.
const withdrawPostgres = await offerPostgres();
await Promise.all([runSuites(), runSuites(), runSuites()]);
await withdrawPostgres();

const sum = (part: (result: SuiteResult) => number): number =>
  results.reduce((total, { result }) => total + part(result), 0);

// Here, and not where it happened: of a long run people see the end.
for (const { name, result } of results) {
  for (const failure of result.failures) console.log(`\nFAILED ${name}: ${failure}`);
  for (const test of result.secondTries) console.log(`\nSECOND TRY ${name}: ${test}`);
}
console.log(`\n${'suite'.padEnd(24)} minutes  passed  failed  skipped`);
for (const { name, minutes, result } of results) {
  const numbers = [minutes.toFixed(2).padStart(7), ...[result.passed, result.failed, result.skipped].map(String)];
  console.log(`${name.padEnd(24)} ${numbers.map((text, index) => text.padStart(index < 3 ? 7 : 8)).join(' ')}`);
}
console.log(`${'all, three at a time'.padEnd(24)} ${minutesSince(startedAt).toFixed(2).padStart(7)}\n`);

const failed = sum((result) => result.failed);
const skipped = sum((result) => result.skipped);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${sum((result) => result.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);

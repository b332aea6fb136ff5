import { describe, expect, test } from 'vitest';
import type { Ended } from './run-node.ts';
import type { VitestReport } from './read-report.ts';
import { readReport } from './read-report.ts';

const proof = { title: 'runs on Node v22.23.3', status: 'passed' };
const report = (...tests: VitestReport['testResults'][number]['assertionResults']): VitestReport => ({
  testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults: tests }],
});

const ended = (problem: string | null): Ended => ({ problem, lastLines: 'Unhandled error' });

describe('a report of vitest', () => {
  test('is counted', () => {
    const tests = ['passed', 'passed', 'failed', 'skipped', 'todo'].map((status) => ({ title: status, status }));
    expect(readReport(report(proof, ...tests), 22, ended('exit code 1'))).toEqual({
      passed: 3,
      failed: 1,
      skipped: 2,
      failures: ['a.test.ts > failed'],
      secondTries: [],
    });
  });

  test('names what failed, with the first lines of each error, and what needed a second try', () => {
    const errors = ['Error: \u001B[31mno such thing\u001B[39m\n\n    at one\n', `at\n${'deeper\n'.repeat(50)}`];
    const named = { title: 'works', fullName: 'a thing works', failureMessages: errors };
    const result = readReport(
      report(proof, { ...named, status: 'failed' }, { ...named, status: 'passed' }),
      22,
      ended('exit code 1'),
    );
    expect(result.failures).toEqual([
      expect.stringMatching(/^a\.test\.ts > a thing works\n {4}Error: no such thing\n/),
    ]);
    expect(result.failures.join('').split('\n').length).toBeLessThan(20);
    expect(result.secondTries).toEqual(['a.test.ts > a thing works']);
  });

  test.each<[string, VitestReport | null, number, string | null]>([
    ['no report', null, 22, 'ended by SIGSEGV'],
    ['no tests ran', report(proof), 22, null],
    ['nothing proves which Node', report({ title: 'a', status: 'passed' }), 22, null],
    ['ran on Node 22', report(proof, { title: 'a', status: 'passed' }), 24, null],
    ['exit code 1\n    Unhandled error', report(proof, { title: 'a', status: 'passed' }), 22, 'exit code 1'],
    [
      'b.test.ts failed outside of its tests\n    no such module',
      {
        testResults: [
          ...report(proof, { title: 'a', status: 'passed' }).testResults,
          { name: 'b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
        ],
      },
      22,
      'exit code 1',
    ],
  ])('fails with "%s"', (problem, read, major, processProblem) => {
    const { failed, failures } = readReport(read, major, ended(processProblem));
    expect(failed).toBe(1);
    expect(failures).toEqual([expect.stringContaining(problem)]);
  });
});

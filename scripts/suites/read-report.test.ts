import { describe, expect, test } from 'vitest';
import type { VitestReport } from './read-report.ts';
import { readReport } from './read-report.ts';

const proof = { title: 'runs on Node v22.23.3', status: 'passed' };
const report = (...tests: readonly { title: string; status: string }[]): VitestReport => ({
  testResults: [{ name: 'a.test.ts', status: 'passed', assertionResults: tests }],
});

describe('a report of vitest', () => {
  test('is counted', () => {
    const tests = ['passed', 'passed', 'failed', 'skipped', 'todo'].map((status) => ({ title: status, status }));
    expect(readReport(report(proof, ...tests), 22, 'exit code 1')).toEqual({
      passed: 3,
      failed: 1,
      skipped: 2,
      problems: [],
    });
  });

  test.each<[string, VitestReport | null, number, string | null]>([
    ['no report', null, 22, 'ended by SIGSEGV'],
    ['no tests ran', report(proof), 22, null],
    ['nothing proves which Node', report({ title: 'a', status: 'passed' }), 22, null],
    ['ran on Node 22', report(proof, { title: 'a', status: 'passed' }), 24, null],
    ['exit code 1', report(proof, { title: 'a', status: 'passed' }), 22, 'exit code 1'],
    [
      'b.test.ts failed outside of its tests',
      {
        testResults: [
          ...report(proof, { title: 'a', status: 'passed' }).testResults,
          { name: 'b.test.ts', status: 'failed', assertionResults: [] },
        ],
      },
      22,
      'exit code 1',
    ],
  ])('fails with "%s"', (problem, read, major, processProblem) => {
    const { failed, problems } = readReport(read, major, processProblem);
    expect(failed).toBe(1);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});

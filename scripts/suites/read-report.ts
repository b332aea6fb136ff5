import type { SuiteResult } from './suite-result.ts';

/** The part that we read of what vitest's JSON reporter writes. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const proofPattern = /^runs on Node v(\d+)\./;

/**
 * Counts a run of vitest. `problem` is what its process ended with, null for exit code 0.
 * Fails without a report, without tests, without the test that tells its Node (test/house/node-version.test.ts), on
 * another Node than `major`, and when the process failed although no test did.
 */
export function readReport(report: VitestReport | null, major: number, problem: string | null): SuiteResult {
  if (!report) return { passed: 0, failed: 1, skipped: 0, problems: [`no report: ${problem ?? 'exit code 0'}`] };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const count = (...statuses: readonly string[]): number =>
    tests.filter(({ status }) => statuses.includes(status)).length;
  const passed = count('passed');
  const failed = count('failed');
  const proofs = tests.flatMap(({ title }) => proofPattern.exec(title)?.[1] ?? []);
  const problems = report.testResults
    .filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some(isFailed))
    .map(({ name }) => `${name} failed outside of its tests`);
  if (passed + failed <= proofs.length) problems.push('no tests ran');
  if (proofs.length === 0) problems.push('nothing proves which Node it ran on');
  if (proofs.some((proof) => Number(proof) !== major)) problems.push(`ran on Node ${proofs.join(', ')}`);
  if (problem && failed === 0 && problems.length === 0) problems.push(problem);
  return { passed, failed: failed + problems.length, skipped: tests.length - passed - failed, problems };
}

const isFailed = ({ status }: { readonly status: string }): boolean => status === 'failed';

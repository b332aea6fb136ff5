import { stripVTControlCharacters } from 'node:util';
import type { Ended } from './run-node.ts';
import type { SuiteResult } from './suite-result.ts';

/** The part that we read of what vitest's JSON reporter writes. */
export interface VitestReport {
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string;
    readonly status: string;
    /** Error of the file itself, or of a hook. */
    readonly message?: string;
    readonly assertionResults: readonly ReportedTest[];
  }[];
}

interface ReportedTest {
  readonly title: string;
  /** With the names of what it stands in. */
  readonly fullName?: string;
  readonly status: string;
  /** Of all tries; the stack of each error. */
  readonly failureMessages?: readonly string[];
}

const proofPattern = /^runs on Node v(\d+)\./;
/** CI shows the last lines of a run only, and several tests may fail. */
const maxErrorLines = 6;

/**
 * Counts a run of vitest whose process ended as `ended`.
 * Fails without a report, without tests, without the test that tells its Node (test/house/node-version.test.ts), on
 * another Node than `major`, and when the process failed although no test did.
 */
export function readReport(report: VitestReport | null, major: number, ended: Ended): SuiteResult {
  const none = { passed: 0, failed: 1, skipped: 0, secondTries: [] };
  if (!report) return { ...none, failures: [`no report: ${told(ended)}`] };
  const tests = report.testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, name: `${file} > ${test.fullName ?? test.title}` })),
  );
  const withStatus = (...statuses: readonly string[]) => tests.filter(({ status }) => statuses.includes(status));
  const passed = withStatus('passed');
  const failed = withStatus('failed');
  const proofs = tests.flatMap(({ title }) => proofPattern.exec(title)?.[1] ?? []);
  const problems = report.testResults
    .filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some(isFailed))
    .map(({ name, message }) => `${name} failed outside of its tests${indented(message ?? '')}`);
  if (passed.length + failed.length <= proofs.length) problems.push('no tests ran');
  if (proofs.length === 0) problems.push('nothing proves which Node it ran on');
  if (proofs.some((proof) => Number(proof) !== major)) problems.push(`ran on Node ${proofs.join(', ')}`);
  if (ended.problem !== null && failed.length === 0 && problems.length === 0) problems.push(told(ended));
  return {
    passed: passed.length,
    failed: failed.length + problems.length,
    skipped: tests.length - passed.length - failed.length,
    failures: [
      ...failed.map(
        ({ name, failureMessages = [] }) => name + failureMessages.map((message) => indented(message)).join(''),
      ),
      ...problems,
    ],
    secondTries: passed.filter(({ failureMessages = [] }) => failureMessages.length > 0).map(({ name }) => name),
  };
}

const isFailed = ({ status }: { readonly status: string }): boolean => status === 'failed';

const told = ({ problem, lastLines }: Ended): string =>
  `${problem ?? 'exit code 0'}${indented(lastLines, Number.POSITIVE_INFINITY)}`;

function indented(text: string, maxLines = maxErrorLines): string {
  const lines = stripVTControlCharacters(text).split('\n').slice(0, maxLines);
  return lines.map((line) => line && `\n    ${line}`).join('');
}

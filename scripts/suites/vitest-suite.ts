import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VitestReport } from './read-report.ts';
import { readReport } from './read-report.ts';
import type { NodeMajor } from './run-node.ts';
import { runNode } from './run-node.ts';
import type { Suite } from './suite-result.ts';

const storages = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const;

export interface VitestSuiteOptions {
  /** Of the command line. */
  readonly options?: readonly string[];
  /** Patterns of files that another suite runs. */
  readonly leftOut?: readonly string[];
}

/** A project of vitest.config.ts on one of the two Nodes and storages, counted from vitest's own report. */
export function vitestSuite(
  project: string,
  major: NodeMajor,
  storage: keyof typeof storages,
  { options = [], leftOut = [] }: VitestSuiteOptions = {},
): Suite {
  const name = `${project} ${major} ${storages[storage]}`;
  return {
    name,
    run: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pharos-test-'));
      const env = { PHAROS_TEST_STORAGE: storage, PHAROS_TESTS_LEFT_OUT: leftOut.join(' ') };
      const reportFile = join(folder, 'report.json');
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
      const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...reporters, ...options];
      const ended = await runNode(major, vitest, { label: name, env });
      const text = await readFile(reportFile, 'utf8').catch(() => null);
      await rm(folder, { recursive: true });
      return readReport(text === null ? null : (JSON.parse(text) as VitestReport), major, ended);
    },
  };
}

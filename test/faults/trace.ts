import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Launch } from '../support/pharos-process.ts';
import type { PackageRequirements } from '../support/ensure-packages.ts';

export const traceRequirements: PackageRequirements = {
  strace: () => spawnSync('strace', ['--version']).status === 0,
};

/** Runs Node under strace, which stays beside it as its grandchild: the process that is started is Node itself. */
export const traced = (file: string): Launch => ({
  prefix: ['strace', '-D', '-f', '-q', '-yy', '-ttt', '-s', '200000', '-o', file, '-e', 'signal=none', '-e', calls],
});
const calls = 'trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg';

/** A system call that has ended. */
export interface TracedCall {
  readonly name: string;
  /** What strace says of it: file descriptors with their paths, then the data. */
  readonly text: string;
  readonly result: number;
  /** Seconds since 1970. */
  readonly begunAt: number;
}

/** In the order of their ends. What is cut off at the end of a file that is still written is left out. */
export function readTrace(file: string): TracedCall[] {
  if (!existsSync(file)) return [];
  const begun = new Map<string, { readonly text: string; readonly at: number }>();
  const ended: TracedCall[] = [];
  for (const line of readFileSync(file, 'latin1').split('\n').slice(0, -1)) {
    const [, thread = '', seconds = '', rest = ''] = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished) {
      begun.set(thread, { text: unfinished[1] ?? '', at: Number(seconds) });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const start = resumed ? begun.get(thread) : { text: '', at: Number(seconds) };
    const [, text, result] = /^(.*)\) += (-?\d+)/.exec(`${start?.text ?? ''}${resumed?.[1] ?? rest}`) ?? [];
    if (start === undefined || text === undefined) continue;
    ended.push({ name: text.slice(0, text.indexOf('(')), text, result: Number(result), begunAt: start.at });
  }
  return ended;
}

/**
 * What is wrong with how a row became durable, or null. In `calls`, a write of the log that contains `row` must be
 * followed by a sync of the log that succeeded, and only then by a write that contains `answer`.
 */
export function durabilityFault(
  calls: readonly TracedCall[],
  { row, answer }: { readonly row: string; readonly answer: string },
): string | null {
  const isLog = ({ text }: TracedCall) => /^\w+\(\d+<[^>]*pharos\.db-wal>/.test(text);
  const answered = calls.findIndex(
    ({ name, text }) => /^(write|writev|sendto|sendmsg)$/.test(name) && text.includes(answer),
  );
  if (answered === -1) return 'there was no answer';
  const written = calls.findIndex(
    (call, index) => index < answered && call.name === 'pwrite64' && isLog(call) && call.text.includes(row),
  );
  if (written === -1) return 'the row was not written before the answer';
  const synced = calls.some(
    (call, index) =>
      index > written && index < answered && /^f(data)?sync$/.test(call.name) && isLog(call) && call.result === 0,
  );
  return synced ? null : 'nothing was synced between the row and the answer';
}

import { fork } from 'node:child_process';
import type { ChildProcess, ForkOptions } from 'node:child_process';
import { join } from 'node:path';

/**
 * Starts a part of a benchmark that has a process of its own: a script of this folder, which ends when it is disconnected. When it
 * ends by a mistake, so does the benchmark, which would wait for it for ever.
 */
export function startChild(script: string, options: Pick<ForkOptions, 'env'> = {}): ChildProcess {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = fork(join(import.meta.dirname, script), { stdio: [...stdio], ...options });
  child.on('exit', (code) => {
    if (code === 0) return;
    console.error(`${script} ended by a mistake`);
    process.exit(1);
  });
  return child;
}

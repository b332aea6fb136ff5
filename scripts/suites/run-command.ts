import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The Nodes that npm installed; the machine's own may be older than what runs TypeScript. */
export const nodes = {
  24: join(repository, 'node_modules/node/bin/node'),
  22: join(repository, 'node_modules/node22/bin/node'),
} as const;
export type NodeMajor = keyof typeof nodes;

/** Nothing here takes half as long; a suite that hangs must not hang the run. */
const deadlineMs = 8 * 60_000;

/** Runs Node with our output and no input; answers null when all went well, else what went wrong. */
export function runNode(major: NodeMajor, args: readonly string[]): Promise<string | null> {
  const node = nodes[major];
  const path = [dirname(node), join(repository, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const child = spawn(node, args, {
    cwd: repository,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => {
      if (code === 0) resolve(null);
      else if (signal === null) resolve(`exit code ${code}`);
      else resolve(child.killed ? `took longer than ${deadlineMs / 60_000} minutes` : `ended by ${signal}`);
    });
  });
}

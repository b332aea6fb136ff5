import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The Nodes that npm installed; the machine's own may be older than what runs TypeScript. */
export const nodes = {
  24: join(repository, 'node_modules/node/bin/node'),
  22: join(repository, 'node_modules/node22/bin/node'),
} as const;
export type NodeMajor = keyof typeof nodes;

/** Nothing here takes so long, also on a busy machine; a suite that hangs must not hang the run. */
const deadlineMs = 30 * 60_000;
const keptLines = 20;

export interface Ended {
  /** What went wrong; null for exit code 0. */
  readonly problem: string | null;
  /** Of what it printed. */
  readonly lastLines: string;
}

interface RunOptions {
  /** Stands before each line that it prints: others print too. */
  readonly label: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Node with no input, and prints what it prints. */
export function runNode(major: NodeMajor, args: readonly string[], { label, env }: RunOptions): Promise<Ended> {
  const node = nodes[major];
  const path = [dirname(node), join(repository, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const child = spawn(node, args, {
    cwd: repository,
    env: { ...process.env, ...env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  let lastLines = '';
  for (const name of ['stdout', 'stderr'] as const)
    createInterface({ input: child[name] }).on('line', (line) => {
      process[name].write(`${label.padEnd(23)} | ${line}\n`);
      lastLines = [...lastLines.split('\n'), line].slice(-keptLines).join('\n');
    });
  // Whoever outlives a process that was killed must not hold its output open for ever.
  child.on('exit', () =>
    setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), 5_000).unref(),
  );
  return new Promise((resolve) => {
    const end = (problem: string | null): void => resolve({ problem, lastLines });
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      if (code === 0) end(null);
      else if (signal === null) end(`exit code ${code}`);
      else end(child.killed ? `took longer than ${deadlineMs / 60_000} minutes` : `ended by ${signal}`);
    });
  });
}

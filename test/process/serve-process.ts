import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programEnvironment } from '../support/program-environment.ts';
import { waitFor } from '../support/wait-for.ts';

const pharosFile = new URL('../../src/cli/pharos.ts', import.meta.url).pathname;

export interface PharosCommand {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Runs `pharos` in a folder, with nothing but these variables. */
export function runPharos(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
  program = pharosFile,
): PharosCommand {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Node 22 says that SQLite is experimental.
    env: { ...programEnvironment(), NODE_NO_WARNINGS: '1', ...env },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, ended };
}

/** Waits until a `pharos serve` listens; answers its origins. */
export function listeningOn(server: PharosCommand): Promise<readonly string[]> {
  return waitFor('the server to listen', () => {
    const { exitCode, signalCode } = server.child;
    if (exitCode !== null || signalCode !== null) throw new Error(`it ended:\n${server.stdout()}${server.stderr()}`);
    const line = server
      .stdout()
      .split('\n')
      .find((text) => text.includes('"server.listening"') && text.endsWith('}'));
    return line !== undefined && (JSON.parse(line) as { urls: readonly string[] }).urls;
  });
}

import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { OperatorProblem } from '../core/ports/operator-problem.ts';
import { CommandFailure } from './command-failure.ts';

/** Runs the command that the arguments name; sets the exit code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  process.stdout.on('error', endQuietly);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    // Commander has printed what it has to say: help, version, or what is wrong with the arguments.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.exitCode = exitCodeOf(error);
      process.stderr.write(`pharos: ${describeFailure(error)}\n`);
    }
  }
}

/** Whoever read the output has enough of it, like `head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode;
  return error instanceof OperatorProblem && error.isWrongSetting ? 2 : 1;
}

/** People can mend these from the message; anything else is a bug, and its stack helps. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected =
    error instanceof CommandFailure ||
    error instanceof OperatorProblem ||
    // Files: `ENOSPC: no space left on device, write`.
    typeof (error as NodeJS.ErrnoException).syscall === 'string';
  return expected ? error.message : (error.stack ?? error.message);
}

import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { DataFolderProblem } from '../data-folder/open-data-folder.ts';
import { FolderInUse } from '../data-folder/folder-lock.ts';
import { CommandFailure } from './command-failure.ts';

/** Runs the command that the arguments name; sets the exit code. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv);
  } catch (error) {
    // Commander has printed what it has to say: help, version, or what is wrong with the arguments.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.exitCode = error instanceof CommandFailure ? error.exitCode : 1;
      process.stderr.write(`pharos: ${describeFailure(error)}\n`);
    }
  }
}

/** People can mend these from the message; anything else is a bug, and its stack helps. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected =
    error instanceof CommandFailure ||
    error instanceof DataFolderProblem ||
    error instanceof FolderInUse ||
    // Files and ports: `EACCES: permission denied, open …`, `listen EADDRINUSE: …`.
    typeof (error as NodeJS.ErrnoException).syscall === 'string';
  return expected ? error.message : (error.stack ?? error.message);
}

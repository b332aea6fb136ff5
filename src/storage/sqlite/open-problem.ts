import { OperatorProblem } from '../../core/ports/operator-problem.ts';

const checkFolder = 'the user that runs Pharos must be able to write it and its folder';
const restoreBackup = 'restore a backup (`pharos restore`)';

/** By primary result codes (https://www.sqlite.org/rescode.html). */
const problems = new Map([
  [5, ['is in use', 'end the other program that has it open']], // SQLITE_BUSY
  [8, ['cannot be written', checkFolder]], // SQLITE_READONLY
  [10, ['cannot be read or written', 'look for errors of the disk in the log of the machine']], // SQLITE_IOERR
  [11, ['is damaged', restoreBackup]], // SQLITE_CORRUPT
  [13, ['has no room', 'make some on its disk']], // SQLITE_FULL
  [14, ['cannot be opened', checkFolder]], // SQLITE_CANTOPEN
  [26, ['is damaged, or no database', restoreBackup]], // SQLITE_NOTADB
]);

/** In a sentence what is wrong with a database that could not be opened or migrated; null when it is a bug. */
export function openProblem(file: string, error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof OperatorProblem) return `${file}: ${error.message}.`;
  const [what, mend] = ('errcode' in error && problems.get(Number(error.errcode) & 0xff)) || [];
  // A migration that failed says why in its cause.
  return what === undefined ? openProblem(file, error.cause) : `${file} ${what} (${error.message}): ${mend}.`;
}

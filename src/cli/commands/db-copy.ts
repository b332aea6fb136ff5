import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { lockFolder } from '../../data-folder/folder-lock.ts';
import { databaseName } from '../../data-folder/open-data-folder.ts';
import type { CopyProgress } from '../../storage/copy/copy-database.ts';
import { CommandFailure } from '../command-failure.ts';

export const dbCopy = (): Command =>
  new Command('copy')
    .description('Copy the database of a stopped server into PostgreSQL.')
    .requiredOption('--from <url>', 'sqlite: and a data folder, or a database file in one')
    .requiredOption('--to <url>', 'postgres://user@host:port/database, empty; passwords may stand in ~/.pgpass')
    .addHelpText(
      'after',
      `
The server must be stopped. Nothing is changed in its database, but do not start it again: it would send what the
nodes on the copy send too. What is sealed is copied as it is: every node needs the same master-keys.json.
When everything is copied, all rows are read again on both sides and compared. No node starts on a copy that is
not finished. When the command was interrupted, call it again: it goes on where it was.`,
    )
    .action(async ({ from, to }: { from: string; to: string }) => {
      const file = databaseFileOf(from);
      if (!/^postgres(ql)?:\/\//.test(to)) throw new CommandFailure('--to: expected postgres://…', 2);
      const lock = lockFolder(dirname(file));
      const startedAt = performance.now();
      const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
      try {
        // Loaded here, so that the other commands need not wait for it.
        const { copyDatabase } = await import('../../storage/copy/copy-database.ts');
        const onProgress = createProgressLines((line) => process.stderr.write(`${seconds()} s  ${line}\n`));
        const { rows } = await copyDatabase({ from: file, to, onProgress });
        process.stdout.write(`Copied and compared ${rows} rows in ${seconds()} seconds.\n`);
      } finally {
        lock.release();
      }
    });

function databaseFileOf(url: string): string {
  const [, path = ''] = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url) ?? [];
  if (path === '') throw new CommandFailure('--from: expected sqlite:/path/to/the/data/folder', 2);
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, databaseName) : path;
  if (!existsSync(file)) throw new CommandFailure(`--from: there is no database ${file}`, 2);
  return file;
}

const rowsPerLine = 100_000;

/** A line for each table that has rows, and more for those that have many. */
function createProgressLines(write: (line: string) => void): (progress: CopyProgress) => void {
  let last: CopyProgress | null = null;
  return (progress) => {
    const { table, step, rows } = progress;
    const isNew = last === null || last.table !== table || last.step !== step;
    const passed = Math.floor(rows / rowsPerLine) > Math.floor((isNew ? 0 : (last?.rows ?? 0)) / rowsPerLine);
    if (rows > 0 && (isNew || passed)) write(`${step} ${table}: ${rows} rows`);
    last = progress;
  };
}

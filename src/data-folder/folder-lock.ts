import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OperatorProblem } from '../core/ports/operator-problem.ts';

export interface FolderLock {
  release(): void;
}

/** Somebody else uses the folder. */
export class FolderInUse extends OperatorProblem {
  override readonly name = 'FolderInUse';
}

/** A connection that nothing refers to is collected and closed, and its lock would end with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the data folder for this process, or throws `FolderInUse` (or another `OperatorProblem`) at once. The lock is one
 * of the operating system's, held by an open SQLite transaction on `lock.db`, so it ends with the process however that
 * dies; the number in `pharos.pid` only tells people whom to look for.
 */
export function lockFolder(folder: string): FolderLock {
  const pidFile = join(folder, 'pharos.pid');
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    const { errcode, message } = cause as { readonly errcode?: number; readonly message: string };
    if (errcode !== sqliteBusy) {
      const mend = 'the user that runs Pharos must be able to make and write files in it';
      throw new OperatorProblem(`${folder} cannot be locked (lock.db: ${message}): ${mend}.`, { cause });
    }
    const mend = 'stop that, or name another folder with PHAROS_DATA_DIR or --data-dir';
    throw new FolderInUse(`${folder} is in use by another Pharos server (process ${readPid(pidFile)}): ${mend}.`, {
      cause,
    });
  }
  const lock = database;
  held.add(lock);
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(pidFile, { force: true });
      held.delete(lock);
      lock.close();
    },
  };
}

const sqliteBusy = 5;

function readPid(pidFile: string): string {
  try {
    // Empty while its process is writing it.
    return readFileSync(pidFile, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

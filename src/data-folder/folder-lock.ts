import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface FolderLock {
  release(): void;
}

/** Somebody else uses the folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

/**
 * Takes the data folder for this process, or throws `FolderInUse` at once. The lock is one of the operating system's, held by an
 * open SQLite transaction on `lock.db`, so it ends with the process however that dies; the number in `pharos.pid` only
 * tells people whom to look for.
 */
export function lockFolder(folder: string): FolderLock {
  const pidFile = join(folder, 'pharos.pid');
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== sqliteBusy) throw cause;
    throw new FolderInUse(`${folder} is in use by another Pharos server (process ${readPid(pidFile)})`, { cause });
  }
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(pidFile, { force: true });
      database.close();
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

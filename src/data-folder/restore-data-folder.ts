import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { OperatorProblem } from '../core/ports/operator-problem.ts';
import { lockFolder } from './folder-lock.ts';
import { databaseName, keyringName } from './open-data-folder.ts';
import { ensureFolder, syncFolder, writeSecretFile } from './secret-file.ts';

/**
 * Makes a data folder from a backup and the text of its keyring; the caller has checked both. The folder is made if it is
 * missing and must be empty. The database gets its name last: a folder without it was not restored.
 * Throws an `OperatorProblem`, like `FolderInUse`.
 */
export function restoreDataFolder(folder: string, backupFile: string, keyring: string): void {
  ensureFolder(folder);
  if (readdirSync(folder).length > 0) {
    throw new OperatorProblem(`${folder} is not empty: a backup is restored into a folder of its own.`);
  }
  const lock = lockFolder(folder);
  const partial = join(folder, `${databaseName}.restoring`);
  try {
    copyFileSync(backupFile, partial, constants.COPYFILE_EXCL);
    chmodSync(partial, 0o600);
    const descriptor = openSync(partial, 'r+');
    fsyncSync(descriptor);
    closeSync(descriptor);
    writeSecretFile(join(folder, keyringName), keyring);
    renameSync(partial, join(folder, databaseName));
    syncFolder(folder);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    lock.release();
  }
}

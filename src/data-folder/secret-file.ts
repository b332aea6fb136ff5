import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  fsyncSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { OperatorProblem } from '../core/ports/operator-problem.ts';

export interface SecretFile {
  readonly text: string;
  readonly created: boolean;
  /** Somebody other than its owner may read it. */
  readonly exposed: boolean;
}

/** Makes a folder that only its owner can enter; one that is there stays as it is. Throws `OperatorProblem`. */
export function ensureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // A file is in its place, or in that of a folder above it.
    const isWrongSetting = code === 'EEXIST' || code === 'ENOTDIR';
    const why = code === 'EEXIST' ? 'it is a file' : message;
    throw new OperatorProblem(
      `the data folder ${folder} cannot be made (${why}): set PHAROS_DATA_DIR or --data-dir to a folder that this user may write.`,
      { isWrongSetting, cause },
    );
  }
}

/**
 * Reads a file that only its owner should be able to read; if it is not there, writes what `generate` gives.
 * Throws `OperatorProblem`.
 */
export function ensureSecretFile(path: string, generate: () => string): SecretFile {
  try {
    const known = readSecretFile(path);
    if (known) return known;
    const text = generate();
    if (tryWriteSecretFile(path, text)) return { text, created: true, exposed: false };
    // Another node was faster.
    return readSecretFile(path) ?? { text: '', created: false, exposed: false };
  } catch (cause) {
    const mend = 'its folder must be there, and this user must be able to read and write it';
    throw new OperatorProblem(`${path} cannot be read or made (${(cause as Error).message}): ${mend}.`, { cause });
  }
}

/** False when there is one by now. */
function tryWriteSecretFile(path: string, text: string): boolean {
  try {
    writeSecretFile(path, text);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Null when there is none. */
export function readSecretFile(path: string): SecretFile | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return null;
  return { text: readFileSync(path, 'utf8'), created: false, exposed: (stats.mode & 0o077) !== 0 };
}

/** Writes a new file with mode 0600: after a crash it is there whole, or not at all. Throws when the path is taken. */
export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${randomUUID()}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
}

/** Replaces a file, or makes it, with mode 0600: after a crash it is there whole, old or new. */
export function replaceSecretFile(path: string, text: string): void {
  const temporary = `${path}.${randomUUID()}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
}

/** Names in the folder outlive a power failure from now on. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

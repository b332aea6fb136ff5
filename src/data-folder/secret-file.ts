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

export interface SecretFile {
  readonly text: string;
  readonly created: boolean;
  /** Somebody other than its owner may read it. */
  readonly exposed: boolean;
}

/** Makes a folder that only its owner can enter; one that is there stays as it is. */
export const ensureFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
};

/** Reads a file that only its owner should be able to read; if it is not there, writes what `generate` gives. */
export function ensureSecretFile(path: string, generate: () => string): SecretFile {
  const known = readSecretFile(path);
  if (known) return known;
  const text = generate();
  writeSecretFile(path, text);
  return { text, created: true, exposed: false };
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

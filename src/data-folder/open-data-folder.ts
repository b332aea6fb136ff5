import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorProblem } from '../core/ports/operator-problem.ts';
import { lockFolder } from './folder-lock.ts';
import { ensureFolder, ensureSecretFile, replaceSecretFile, writeSecretFile } from './secret-file.ts';
import type { SecretFile } from './secret-file.ts';

export interface DataFolderOptions {
  readonly folder: string;
  readonly adminTokenFile: string;
  /** Null: the one in the folder. */
  readonly masterKeysFile: string | null;
  readonly generateKeyring: () => string;
  readonly generateAdminToken: () => string;
  /** Names of files that a killed process may have left in the folder: they are removed. */
  readonly leftovers: readonly RegExp[];
}

/** The data folder of a running server, locked until it is released. */
export interface DataFolder {
  readonly databaseFile: string;
  readonly keyring: { readonly file: string; readonly text: string };
  /** The file as it is now: another node may have changed it. Throws when it cannot be read. */
  readKeyring(): string;
  /** Durable once it returns. */
  replaceKeyring(text: string): void;
  readonly adminToken: string;
  /** Paths of the secret files: the keyring, the admin token. */
  readonly secretFiles: readonly string[];
  /** Those of them that this start has made. */
  readonly created: readonly string[];
  /** Those of them that others than their owner may read. */
  readonly exposed: readonly string[];
  /** Writes the first instance's credentials, in place of those of a database that is gone; gives the path. */
  writeFirstInstance(credentials: object): string;
  release(): void;
}

const minTokenLength = 32;
export const databaseName = 'pharos.db';
export const keyringName = 'master-keys.json';
/** A secret file that was being written when the process died. */
const unfinishedSecretFile = /^(master-keys\.json|first-instance\.json|admin-token)\.[0-9a-f-]{36}$/;

/** Makes what is missing and locks the folder. Throws `FolderInUse` or another `OperatorProblem`. */
export function openDataFolder(options: DataFolderOptions): DataFolder {
  const { folder, adminTokenFile, masterKeysFile, generateKeyring, generateAdminToken, leftovers } = options;
  ensureFolder(folder);
  const lock = lockFolder(folder);
  try {
    for (const name of readdirSync(folder)) {
      if ([...leftovers, unfinishedSecretFile].some((pattern) => pattern.test(name))) rmSync(join(folder, name));
    }
    const databaseFile = join(folder, databaseName);
    const keyringFile = masterKeysFile ?? join(folder, keyringName);
    if (existsSync(databaseFile) && !existsSync(keyringFile)) {
      throw new OperatorProblem(
        `${keyringFile} is missing, and ${databaseFile} cannot be read without it: put it back from a backup.`,
      );
    }
    const keyring = ensureSecretFile(keyringFile, generateKeyring);
    const token = ensureSecretFile(adminTokenFile, generateAdminToken);
    const adminToken = token.text.trim();
    if (adminToken.length < minTokenLength || /\s/.test(adminToken)) {
      throw new OperatorProblem(`${adminTokenFile} must hold one word of at least ${minTokenLength} characters.`);
    }
    const files: [string, SecretFile][] = [
      [keyringFile, keyring],
      [adminTokenFile, token],
    ];
    const pathsOf = (kind: 'created' | 'exposed'): string[] =>
      files.filter(([, file]) => file[kind]).map(([path]) => path);
    return {
      databaseFile,
      keyring: { file: keyringFile, text: keyring.text },
      readKeyring: () => readFileSync(keyringFile, 'utf8'),
      replaceKeyring: (text) => replaceSecretFile(keyringFile, text),
      adminToken,
      secretFiles: files.map(([path]) => path),
      created: pathsOf('created'),
      exposed: pathsOf('exposed'),
      writeFirstInstance(credentials) {
        const path = join(folder, 'first-instance.json');
        rmSync(path, { force: true });
        writeSecretFile(path, `${JSON.stringify(credentials, null, 2)}\n`);
        return path;
      },
      release: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
